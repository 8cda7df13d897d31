// How a command fails: one exit code for each kind of failure, one clear line for each reason.
import { AppError } from '@sallyport/contract'
import { CommanderError } from 'commander'
import { type Terminal, warn } from './terminal.ts'

/** Exit codes after sysexits.h, so that scripts and service managers can tell the kinds apart. */
export const exitCodes = {
  failure: 1,
  usage: 64,
  unavailable: 69,
  inUse: 75,
  refused: 77,
  config: 78,
} as const

/** A failure whose message is ready to be read: what is wrong and what to do. */
export class CommandFailure extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode: number = exitCodes.failure, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandFailure'
    this.exitCode = exitCode
  }
}

/** Errors of the rooms, told apart by name: no room has to be loaded only to explain a failure. */
const exitCodesByName: Readonly<Record<string, number>> = {
  ConfigError: exitCodes.config,
  DataFolderInUseError: exitCodes.inUse,
  EngineAwayError: exitCodes.unavailable,
  StoreStartError: exitCodes.unavailable,
}

/** Prints why a command failed, a line for each reason, and answers the exit code. */
export function explainFailure(error: unknown, terminal: Pick<Terminal, 'stderr'>): number {
  // Commander has already printed its own text; the end after --help and --version is no failure.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  if (!(error instanceof Error)) {
    warn(terminal, String(error))
    return exitCodes.failure
  }
  for (const line of explanationOf(error).split('\n')) warn(terminal, line)
  if (error instanceof CommandFailure) return error.exitCode
  return exitCodesByName[error.name] ?? exitCodes.failure
}

/** Rooms keep what is for the operator apart from what a caller may know; here the operator reads. */
function explanationOf(error: Error): string {
  return error instanceof AppError && error.detail !== undefined ? error.detail : error.message
}
