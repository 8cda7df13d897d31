// What the proofs found: one line for each guarantee as it is proven, and a table at the end.
import { openScope, type Scope } from '../support/scope.ts'

export type TortureOptions = {
  /** Fewer rounds and seeds, for CI: four minutes in all. */
  short: boolean
  /** Everything that is chosen at random follows from it. */
  seed: number
}

/** What one proof works with: everything it opens ends with `scope`; `note` adds a figure to its line. */
export type Trial = { scope: Scope; note(figure: string): void }
export type Prove = (guarantee: string, work: (trial: Trial) => Promise<void>) => Promise<void>
/** `scope` lasts as long as the whole proof. */
export type Proof = {
  name: string
  run(prove: Prove, options: TortureOptions, scope: Scope): Promise<void>
}

/** Something took longer than promised. On a shared machine that is tried again before it counts. */
export class LateError extends Error {}

const attemptsMax = 3

/** The machine cannot hold this trial; the reason is told instead of a result. */
export class NotPossibleError extends Error {}

type Result = {
  proof: string
  guarantee: string
  state: 'passed' | 'failed' | 'skipped'
  seconds: number
  figures: string[]
}

const marks = { passed: '✔', failed: '✖', skipped: '○' }

export function createReport() {
  const results: Result[] = []

  function proverFor(proof: string): Prove {
    return async (guarantee, work) => {
      console.log(`▶ ${proof}: ${guarantee}`)
      const result = await judge({ proof, guarantee }, work)
      results.push(result)
      console.log(`${renderLine(result)}\n`)
    }
  }

  return {
    /** A proof whose own opening or closing fails has failed, whatever its trials found. */
    async run({ name, run }: Proof, options: TortureOptions): Promise<void> {
      try {
        await inScope((scope) => run(proverFor(name), options, scope))
      } catch (error) {
        console.error(error)
        results.push({
          proof: name,
          guarantee: 'the proof can be told',
          state: 'failed',
          seconds: 0,
          figures: [],
        })
      }
    },
    /** Prints the table and the closing line; answers whether everything held. */
    finish(): boolean {
      const failed = results.filter(({ state }) => state === 'failed').length
      const passed = results.filter(({ state }) => state === 'passed').length
      console.log(results.map(renderLine).join('\n'))
      console.log(`\n${passed} passed, ${failed} failed`)
      return failed === 0
    },
  }
}

async function judge(
  name: Pick<Result, 'proof' | 'guarantee'>,
  work: (trial: Trial) => Promise<void>,
): Promise<Result> {
  const startedMs = performance.now()
  const seconds = () => (performance.now() - startedMs) / 1000
  for (let attempt = 1; ; attempt++) {
    const figures = attempt === 1 ? [] : [`attempt ${attempt}`]
    try {
      await inScope((scope) => work({ scope, note: (figure) => figures.push(figure) }))
      return { ...name, state: 'passed', seconds: seconds(), figures }
    } catch (error) {
      if (error instanceof NotPossibleError) {
        return { ...name, state: 'skipped', seconds: seconds(), figures: [error.message] }
      }
      console.error(error)
      if (!(error instanceof LateError) || attempt === attemptsMax) {
        return { ...name, state: 'failed', seconds: seconds(), figures }
      }
    }
  }
}

/** Closers of the scopes that are open now, the outermost first. */
const openScopes = new Set<() => Promise<void>>()

/** For a run that is told to end: closes everything that stands open. */
export async function abandon(): Promise<void> {
  for (const close of [...openScopes].reverse()) await close().catch((error: unknown) => console.error(error))
}

/** What was opened is closed whatever became of the work; the work's own failure is the one that is thrown. */
async function inScope(work: (scope: Scope) => Promise<void>): Promise<void> {
  const closers: (() => Promise<void>)[] = []
  const scope = openScope({ after: (close) => closers.push(close) })
  const closeAll = async () => {
    openScopes.delete(closeAll)
    for (const close of closers.splice(0)) await close()
  }
  openScopes.add(closeAll)
  try {
    await work(scope)
  } catch (error) {
    await closeAll().catch((closing: unknown) => console.error(closing))
    throw error
  }
  await closeAll()
}

function renderLine({ proof, guarantee, state, seconds, figures }: Result): string {
  const told = figures.length > 0 ? `: ${figures.join(', ')}` : ''
  return `${marks[state]} ${proof}: ${guarantee} (${seconds.toFixed(1)} s)${told}`
}
