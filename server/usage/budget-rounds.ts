// How a counter of a budget is made anew: one process leads a round, all living ones put in what they know by id.
import { randomUUID } from 'node:crypto'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { SingleFlight } from '../lib/single-flight.ts'
import { type Database, type Notices, type Tallies, type TallyItem, withDeadline } from '../store/store.ts'
import type { BudgetMembers } from './budget-members.ts'
import type { BudgetRecords } from './budget-records.ts'
import type { OpenCall, OpenCalls } from './open-calls.ts'

/** One counter: a client in a day or month. */
export type BudgetCounter = { key: string; clientId: number; startMs: number; endMs: number }

export type BudgetRounds = {
  /** Makes the counter ready unless it is; false when that was not possible in time. */
  rebuild(counter: BudgetCounter): Promise<boolean>
  /** A part that was put in is on its way: what is settled must not overtake it. */
  arrived(keys: Iterable<string>): Promise<unknown> | null
  /** Counters of a client that this process once put its part into. */
  watched(clientId: number, atMs: number): string[]
  close(): void
}

export type BudgetRoundDependencies = {
  tallies: Tallies
  members: Pick<BudgetMembers, 'self' | 'listLiving'>
  records: Pick<BudgetRecords, 'sum'>
  /** Resolves when every event written here so far, and those of earlier processes, are in the database. */
  flushed(): Promise<void>
  openCalls: OpenCalls
  database: Pick<Database, 'transaction'>
  notices: Pick<Notices, 'publish' | 'subscribe'>
  clock: Clock
  logger: Logger
}

type Round = BudgetCounter & { round: string; leader: string }

const topic = 'usage.budget-round'
/** A call waits no longer than this for a counter. */
const waitMs = 1_500
const pauseMs = 10
/** How long a counter stays after its period: calls of that period may still end. */
const keepAfterMs = 3 * 86_400_000
const watchedMax = 100_000

export function createBudgetRounds(dependencies: BudgetRoundDependencies): BudgetRounds {
  const { tallies, members, records, openCalls, database, notices, clock, logger } = dependencies
  const rebuilding = new SingleFlight<string>()
  const joining = new Map<string, Promise<unknown>>()
  const watching = new BoundedMap<number, readonly BudgetCounter[]>(watchedMax)

  const isLate = (startedMs: number) => clock.monotonicMs() - startedMs > waitMs
  const pause = () => new Promise<void>((resolve) => void clock.after(pauseMs, resolve))

  /**
   * What ended before is in the database once it is flushed; what ends meanwhile is recorded. From the list to the sending
   * nothing is waited for, so that nothing can end in between.
   */
  async function join(round: Round): Promise<boolean> {
    watch(round)
    const recording = openCalls.record()
    try {
      await withDeadline(clock, waitMs, dependencies.flushed())
      return await send(round, recording.removed)
    } finally {
      recording.end()
    }
  }

  async function send(
    { key, round, clientId, startMs, endMs }: Round,
    ended: readonly OpenCall[],
  ): Promise<boolean> {
    const member = members.self
    const toItem = ({ id, amountMicros: amount }: OpenCall): TallyItem => ({ member, id, amount })
    const open = openCalls.list(clientId, startMs, endMs)
    for (const call of open) call.tallies.add(key)
    const settled = ended.filter((call) => isOf(call, { clientId, startMs, endMs }))
    const part = { member, open: open.map(toItem), settled: settled.map(toItem) }
    const joined = (async () => tallies.join(key, round, part))()
    const arrival = joined.catch(() => undefined)
    joining.set(key, arrival)
    try {
      return await joined
    } finally {
      if (joining.get(key) === arrival) joining.delete(key)
    }
  }

  function watch({ key: watchedKey, clientId, startMs, endMs: endsMs }: BudgetCounter): void {
    const others = (watching.get(clientId) ?? []).filter(
      ({ key, endMs }) => key !== watchedKey && endMs + keepAfterMs > clock.now(),
    )
    watching.set(clientId, [...others, { key: watchedKey, clientId, startMs, endMs: endsMs }])
  }

  /** Until every living process has put in its part. */
  async function gather(round: Round, startedMs: number): Promise<string[] | null> {
    if (tallies.isShared) {
      await database.transaction((tx) => notices.publish(tx, topic, round), { deadlineMs: waitMs })
    }
    while (!isLate(startedMs)) {
      const found = await tallies.inspect(round.key, round.round)
      if (found === null) return null
      const living = tallies.isShared ? await members.listLiving() : [members.self]
      if (living?.every((member) => found.members.includes(member))) return found.ids
      await pause()
    }
    return null
  }

  async function lead(round: Round, startedMs: number): Promise<boolean> {
    const { key, clientId, startMs, endMs } = round
    if (!(await join(round))) return false
    const ids = await gather(round, startedMs)
    if (ids === null) return false
    const onFile = await records.sum(clientId, startMs, endMs, ids)
    const keepMs = Math.max(0, endMs - clock.now()) + keepAfterMs
    return await tallies.complete(key, round.round, onFile, keepMs)
  }

  async function rebuild(counter: BudgetCounter): Promise<boolean> {
    const startedMs = clock.monotonicMs()
    const round = randomUUID()
    while (!isLate(startedMs)) {
      const current = await tallies.begin(counter.key, round)
      if (current === 'ready') return true
      if (current === round) return await lead({ ...counter, round, leader: members.self }, startedMs)
      // Another process leads.
      await pause()
    }
    return false
  }

  const unsubscribe = notices.subscribe(topic, (payload) => {
    const round = readRound(payload)
    if (round === null || !tallies.isShared || round.leader === members.self) return
    join(round).catch((error: unknown) =>
      logger.debug('a part of a budget could not be counted', { component: 'usage', error }),
    )
  })

  return {
    rebuild: (counter) => rebuilding.share(counter.key, () => rebuild(counter)).promise,
    arrived(keys) {
      const pending = [...keys].flatMap((key) => joining.get(key) ?? [])
      return pending.length === 0 ? null : Promise.all(pending)
    },
    watched(clientId, atMs) {
      const counters = watching.peek(clientId)
      if (counters === undefined) return []
      return counters.flatMap(({ key, startMs, endMs }) => (atMs >= startMs && atMs < endMs ? [key] : []))
    },
    close: unsubscribe,
  }
}

function isOf(call: OpenCall, { clientId, startMs, endMs }: Omit<BudgetCounter, 'key'>): boolean {
  return call.clientId === clientId && call.beganMs >= startMs && call.beganMs < endMs
}

/** Notices come from our own processes, perhaps of another version. */
function readRound(payload: unknown): Round | null {
  if (typeof payload !== 'object' || payload === null) return null
  const { key, round, leader, clientId, startMs, endMs } = payload as Partial<Round>
  const isWhole =
    typeof key === 'string' &&
    typeof round === 'string' &&
    typeof leader === 'string' &&
    typeof clientId === 'number' &&
    typeof startMs === 'number' &&
    typeof endMs === 'number'
  return isWhole ? { key, round, leader, clientId, startMs, endMs } : null
}
