// The calls whose answer has not ended.
import type { Call } from './call-context.ts'

/**
 * An array in no order instead of a Set: V8 leads each outgrown table of a Set on to its next one, so that one table in
 * old memory keeps all calls since then alive until a full collection (scavenges of 25 ms instead of 2).
 */
export class CallsInWork {
  readonly #calls: Call[] = []

  add(call: Call): void {
    call.place = this.#calls.push(call) - 1
  }

  /** The last one takes the place that becomes free. */
  delete(call: Call): void {
    const last = this.#calls.pop()
    if (last !== undefined && last !== call) {
      this.#calls[call.place] = last
      last.place = call.place
    }
    call.place = -1
  }

  has(call: Call): boolean {
    return call.place >= 0
  }

  /** A copy, because whoever goes through the calls may end some. */
  list(): Call[] {
    return [...this.#calls]
  }
}
