// The metered calls that this process has under way: what each may still cost until it is settled.
import type { ClientBudgets } from '@sallyport/contract'

/** A call between `open` and the moment at which its budgets know its cost. */
export type OpenCall = {
  /** Id of the event to be. */
  readonly id: string
  readonly clientId: number
  /** When it began: this decides to which day and month its cost belongs. */
  readonly beganMs: number
  /** What it may cost at most, in millionths of EUR; once it is over, what it did cost. */
  amountMicros: number
  /** Keys of the tallies that count it; see budgets.ts. */
  readonly tallies: Set<string>
  /** What it was reserved in; null: nothing is budgeted. */
  budgets: ClientBudgets | null
}

export type OpenCalls = {
  add(call: OpenCall): void
  remove(call: OpenCall): void
  /** Of one client, begun in `[fromMs, beforeMs)`. */
  list(clientId: number, fromMs: number, beforeMs: number): OpenCall[]
  has(id: string): boolean
  isEmpty(): boolean
  /** From now on calls that are removed are kept in `removed`, until `end`. */
  record(): { readonly removed: readonly OpenCall[]; end(): void }
}

/** As many as the listener lets in at once, so nothing else bounds them. A list is only asked for when counters are rebuilt. */
export function createOpenCalls(): OpenCalls {
  const calls = new Map<string, OpenCall>()
  const recordings = new Set<OpenCall[]>()
  return {
    add: (call) => void calls.set(call.id, call),
    remove(call) {
      if (calls.delete(call.id)) for (const removed of recordings) removed.push(call)
    },
    has: (id) => calls.has(id),
    isEmpty: () => calls.size === 0,
    list(clientId, fromMs, beforeMs) {
      return [...calls.values()].filter(
        (call) => call.clientId === clientId && call.beganMs >= fromMs && call.beganMs < beforeMs,
      )
    },
    record() {
      const removed: OpenCall[] = []
      recordings.add(removed)
      return { removed, end: () => void recordings.delete(removed) }
    },
  }
}
