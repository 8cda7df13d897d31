// `npm test`: types, lint and every test of the repository, with one summary and one exit code.
import { spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { spec } from 'node:test/reporters'
import { removeTemplates } from '../server/store/test-support.ts'
import { needs } from './support/needs.ts'
import { type PrivatePostgres, startPrivatePostgres } from './support/private-postgres.ts'

const root = join(import.meta.dirname, '..')
/** Half of a whole-process test is waiting, so a core has room for two of them; more than eight would crowd the database. */
const filesAtOnce = Math.min(8, Math.max(4, availableParallelism() * 2))
/** Stripped and compiled sources, as `./sallyport` keeps them: most of the hundreds of processes need the same ones. */
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/sallyport')
/** Begun first, so that none of them is left alone at the end: those that start whole gateways, then those that wait for engines. */
const longOnes = [/^test\//, /^server\/(?:store|video|notify|billing)\//]
/** Longest time of one test file; the slowest takes under a minute. */
const fileTimeoutMs = 180_000

type Outcome = { name: string; seconds: number; problem: string | null }

const outcomes: Outcome[] = []
const startedAt = performance.now()
const [types, lint] = [checkTypes(), check('lint', ['biome', 'check', '--error-on-warnings', '.'])]
outcomes.push(...(await types), await lint)
const postgres = await providePostgres()
try {
  outcomes.push(await runTests(process.argv.slice(2)))
} finally {
  if (postgres) await postgres.close()
  else if (!(await needs('postgres')).skip) await removeTemplates()
}
printSummary()
process.exitCode = outcomes.some((outcome) => outcome.problem !== null) ? 1 : 0

/** The console has its own compiler, because its templates need TypeScript 6. */
async function checkTypes(): Promise<Outcome[]> {
  const done: Outcome[] = []
  for (const workspace of ['contract', 'server', 'agent', 'test']) {
    done.push(await check(`types of ${workspace}`, ['tsc', '-p', workspace]))
  }
  if (existsSync(join(root, 'console/tsconfig.json'))) {
    done.push(await check('types of console', ['npm', 'run', '--silent', 'types', '--workspace', 'console']))
  }
  return done
}

/** Runs one tool, those of node_modules/.bin first; what it says is shown only when it finds something. */
async function check(name: string, [tool = '', ...args]: string[]): Promise<Outcome> {
  const begin = performance.now()
  const child = spawn(tool, args, {
    cwd: root,
    env: { ...process.env, PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const problem = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) => resolve(code === 0 ? null : `exit ${code}`))
  })
  if (problem !== null) console.error(`\n✖ ${name} (${problem})\n${output}`)
  return { name, seconds: (performance.now() - begin) / 1000, problem }
}

/** A PostgreSQL of the suite's own, unless another one is named; the test processes find it by their environment. */
async function providePostgres(): Promise<PrivatePostgres | null> {
  if (process.env.TEST_PG_DSN) return null
  // Its files go with this process, also on Ctrl+C.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  const postgres = await startPrivatePostgres()
  process.env.TEST_PG_DSN = postgres.dsn
  return postgres
}

/** Every `*.test.ts`, or those whose path holds one of `filters`. Where SALLYPORT_FULL is 1, a skipped test is a failure. */
async function runTests(filters: readonly string[]): Promise<Outcome> {
  const files = globSync('{agent,console,contract,server,test}/**/*.test.ts', {
    cwd: root,
    exclude: (path) => path.includes('node_modules') || path.startsWith('test/torture'),
  })
    .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
    .sort((one, other) => rank(one) - rank(other) || one.localeCompare(other))
  const begin = performance.now()
  let failed = 0
  const skipped: string[] = []
  const stream = run({ files, cwd: root, concurrency: filesAtOnce, timeout: fileTimeoutMs })
  stream.on('test:fail', () => {
    failed += 1
  })
  stream.on('test:pass', (test) => {
    if (test.skip) skipped.push(`${test.name}: ${test.skip}`)
  })
  for await (const text of stream.compose(spec)) process.stdout.write(text)
  const seconds = (performance.now() - begin) / 1000
  const name = `tests in ${files.length} files`
  if (failed > 0) return { name, seconds, problem: `${failed} failed` }
  if (files.length === 0) return { name, seconds, problem: 'no test file found' }
  if (skipped.length > 0 && process.env.SALLYPORT_FULL === '1') {
    return { name, seconds, problem: `SALLYPORT_FULL=1, but skipped:\n  ${skipped.join('\n  ')}` }
  }
  return { name, seconds, problem: null }
}

function rank(path: string): number {
  const found = longOnes.findIndex((pattern) => pattern.test(path))
  return found < 0 ? longOnes.length : found
}

function printSummary(): void {
  console.log('')
  for (const { name, seconds, problem } of outcomes) {
    console.log(
      `${problem === null ? '✔' : '✖'} ${name} (${seconds.toFixed(1)} s)${problem ? `: ${problem}` : ''}`,
    )
  }
  console.log(`  all together ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
}
