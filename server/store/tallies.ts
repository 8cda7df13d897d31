// Sums with reservations, kept by all processes together: what the words mean, for both of their homes (memory and Redis).
import type { MaybePromise } from '../lib/maybe-promise.ts'

/**
 * A tally is `settled` (amounts that are final) and `reserved` (amounts of open items, each under its id). It is in one of three states:
 *
 * - absent: nobody knows the sum: it was never asked for, or the engine lost it;
 * - building: one process makes it anew in a round with an id of its own. Every process joins the round with the items it
 *   knows by id; nothing can be reserved yet, but what was joined can be settled. The items of a round stay `listed` until its end,
 *   so that the one who adds the sum of the records on file leaves these ids out: each amount is counted once, on one side only;
 * - ready: items are reserved and settled.
 *
 * A round that was left lying (its process died) may be replaced by another after `roundMs`. All methods throw
 * EngineAwayError when the engine does not answer; of a `reserve` that ended so it is unknown whether it took place, so
 * it must be settled with 0.
 */
export type Tallies = {
  /** True when the sums are shared: then other processes have items, too. */
  readonly isShared: boolean
  /**
   * Adds an open item to all of `claims`, if all are ready and none would go over its limit by it; reaching it exactly is
   * fine. An item that is in a tally already is counted there with its new amount.
   */
  reserve(item: TallyItem, claims: readonly TallyClaim[]): MaybePromise<ReserveAnswer>
  /**
   * Takes an item out of the reserved ones and adds what it came to. One that a ready tally does not know is added to it, too, unless
   * `isRepeated` says that an earlier try may have done so. Answers the sums of the tallies that are ready.
   */
  settle(item: TallyItem, keys: readonly string[], isRepeated: boolean): MaybePromise<SettledSum[]>
  read(key: string): MaybePromise<{ settled: number; reserved: number } | null>
  /** Begins a round. Answers `ready`, or the id of the round that is on now: `round`, if it is ours. */
  begin(key: string, round: string): MaybePromise<string>
  /** Puts in what one process knows. False: this round is over. */
  join(key: string, round: string, part: TallyPart): MaybePromise<boolean>
  /** Who has joined and which ids were listed; null: this round is over. */
  inspect(key: string, round: string): MaybePromise<{ members: string[]; ids: string[] } | null>
  /** Adds the records on file and makes the tally ready, to be kept for `keepMs`. False: this round is over. */
  complete(key: string, round: string, onFile: number, keepMs: number): MaybePromise<boolean>
  /** Makes tallies absent: what they hold may be old. */
  drop(keys: readonly string[]): MaybePromise<void>
  /** Open items of a ready tally. */
  listOpen(key: string): MaybePromise<TallyItem[]>
}

/** `member` is the process that has the item. */
export type TallyItem = { member: string; id: string; amount: number }
export type TallyClaim = { key: string; limit: number }
export type TallyPart = { member: string; open: readonly TallyItem[]; settled: readonly TallyItem[] }
export type SettledSum = { key: string; settled: number }
export type ReserveAnswer =
  | { outcome: 'reserved' }
  | { outcome: 'exceeded'; key: string; reserved: number }
  | { outcome: 'unknown'; key: string }

/** After this a round that was not completed may be replaced. */
export const roundMs = 5_000
