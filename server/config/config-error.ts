// A start that cannot go on because of its configuration.

/** Exit code of a start whose configuration is wrong (EX_CONFIG of sysexits.h). */
export const configExitCode = 78

/** One or more wrong values; each line names the key, what is wrong, and an example. */
export class ConfigError extends Error {
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}
