// Tells the steps of the demo, and stops it where something is not as it was told.
import { isDeepStrictEqual } from 'node:util'

let step = 0

export function currentStep(): number {
  return step
}

export function title(text: string): void {
  console.log(`\n${text}\n${'='.repeat(text.length)}`)
}

export function say(text: string, shown?: string): void {
  step += 1
  console.log(`\n${String(step).padStart(2)}. ${text}${shown ? `\n     ${shown}` : ''}`)
}

export function expect(seen: unknown, wanted: unknown, what: string): void {
  if (isDeepStrictEqual(seen, wanted)) return
  throw new Error(`${what} should be ${JSON.stringify(wanted)}, but is ${JSON.stringify(seen)}`)
}

/** The failure of `work`, which must fail. */
export async function failureOf(work: Promise<unknown>, what: string): Promise<unknown> {
  const outcome = await work.then(
    () => ({ failed: false, error: null }),
    (error: unknown) => ({ failed: true, error }),
  )
  if (!outcome.failed) throw new Error(`${what} was let through`)
  return outcome.error
}
