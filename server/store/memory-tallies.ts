// Sums with reservations in this process, bounded: the tally used longest ago goes first and is made anew when it is asked for.
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { roundMs, type Tallies, type TallyItem } from './tallies.ts'

const talliesMax = 100_000

type Tally = {
  /** Null: ready. */
  round: { id: string; endsMs: number; members: Set<string>; ids: Set<string> } | null
  settled: number
  reserved: number
  open: Map<string, TallyItem>
  endsMs: number
}

export function createMemoryTallies(clock: Clock): Tallies {
  const tallies = new BoundedMap<string, Tally>(talliesMax)

  function find(key: string): Tally | null {
    const tally = tallies.get(key)
    return tally && tally.endsMs > clock.monotonicMs() ? tally : null
  }

  function findRound(key: string, round: string) {
    const tally = find(key)
    return tally?.round?.id === round ? { tally, round: tally.round } : null
  }

  return {
    isShared: false,
    reserve(item, claims) {
      for (const { key, limit } of claims) {
        const tally = find(key)
        if (!tally || tally.round) return { outcome: 'unknown', key }
        const others = tally.reserved - (tally.open.get(item.id)?.amount ?? 0)
        if (tally.settled + others + item.amount > limit) {
          for (const claim of claims) takeOut(find(claim.key), item.id)
          return { outcome: 'exceeded', key, reserved: others }
        }
      }
      for (const { key } of claims) putIn(find(key), item)
      return { outcome: 'reserved' }
    },
    settle(item, keys, isRepeated) {
      return keys.flatMap((key) => {
        const tally = find(key)
        if (!tally) return []
        const isKnown = takeOut(tally, item.id)
        if (isKnown || (!tally.round && !isRepeated)) tally.settled += item.amount
        return tally.round ? [] : [{ key, settled: tally.settled }]
      })
    },
    read(key) {
      const tally = find(key)
      return tally && !tally.round ? { settled: tally.settled, reserved: tally.reserved } : null
    },
    begin(key, id) {
      const nowMs = clock.monotonicMs()
      const tally = find(key)
      if (tally && !tally.round) return 'ready'
      if (tally?.round && tally.round.endsMs > nowMs) return tally.round.id
      tallies.set(key, {
        round: { id, endsMs: nowMs + roundMs, members: new Set(), ids: new Set() },
        settled: 0,
        reserved: 0,
        open: new Map(),
        endsMs: Number.POSITIVE_INFINITY,
      })
      return id
    },
    join(key, id, { member, open, settled }) {
      const found = findRound(key, id)
      if (!found) return false
      const { tally, round } = found
      for (const item of open) if (isNew(round.ids, item.id)) putIn(tally, item)
      for (const item of settled) if (isNew(round.ids, item.id)) tally.settled += item.amount
      round.members.add(member)
      return true
    },
    inspect(key, id) {
      const found = findRound(key, id)
      return found && { members: [...found.round.members], ids: [...found.round.ids] }
    },
    complete(key, id, onFile, keepMs) {
      const found = findRound(key, id)
      if (!found) return false
      found.tally.settled += onFile
      found.tally.round = null
      found.tally.endsMs = clock.monotonicMs() + keepMs
      return true
    },
    drop(keys) {
      for (const key of keys) tallies.delete(key)
    },
    listOpen: (key) => [...(find(key)?.open.values() ?? [])],
  }
}

function isNew(ids: Set<string>, id: string): boolean {
  const before = ids.size
  return ids.add(id).size > before
}

function putIn(tally: Tally | null, item: TallyItem): void {
  if (!tally) return
  takeOut(tally, item.id)
  tally.open.set(item.id, item)
  tally.reserved += item.amount
}

function takeOut(tally: Tally | null, id: string): boolean {
  const item = tally?.open.get(id)
  if (!tally || !item) return false
  tally.open.delete(id)
  tally.reserved -= item.amount
  return true
}
