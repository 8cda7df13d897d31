// Takes usage events for billing, each exactly once: what was taken is a rectangle for each client, of time and of order of arrival.
// An event that arrives late has a later `seq` than the rectangle of its week, and is taken with the next one.
import type { Queryable } from '../store/store.ts'
import { sealPosition } from './event-rows.ts'

export type TakeRequest = {
  /** Events that ended before this moment. */
  before: Date
  /** Last `seq` of `UsageLedger.sealPosition`, asked for under the lock that also guards this transaction. */
  seqUpTo: number
}

/**
 * Sums up, in one pass, what was not taken before, and marks it as taken with `tx`; a client of which something before
 * `before` or later was taken already is left for its next time. The sums stand in the temporary table `usage_taken`
 * (client_id, endpoint, provider, model, unit_price_micros, quantity, total_micros), which ends with `tx`.
 * Calls at a price have the paid price, so that quantity × unit_price_micros = total_micros; by token it is null.
 * `endpoint` is null for a provider, `model` for an endpoint and for what cost nothing.
 */
export type TakeUsage = (tx: Queryable, request: TakeRequest) => Promise<void>

/** What billing asks of the ledger. */
export type Settlement = {
  /** See `UsageLedger.sealPosition`. */
  sealPosition(tx: Queryable): Promise<number>
  take: TakeUsage
  takeLast: TakeLastUsage
}

/** The same for everything of one client, however late, now that it goes: nothing of it is ever taken again. */
export type TakeLastUsage = (tx: Queryable, clientId: number) => Promise<void>

export const settlement: Settlement = { sealPosition, take: takeUsage, takeLast: takeLastUsage }

async function takeUsage(tx: Queryable, { before, seqUpTo }: TakeRequest): Promise<void> {
  await createTable(tx)
  const { rows } = await tx.query<{ created_before: Date; seq_up_to: number }>(
    'select created_before, seq_up_to from usage_settled_floor',
  )
  const floor = rows[0] ?? { created_before: new Date(0), seq_up_to: 0 }
  await tx.query(
    `insert into usage_taken ${sumsOf('left join usage_settled s on s.client_id = e.client_id')}
     where e.created_at < $1 and e.seq <= $2 and (e.created_at >= $3 or e.seq > $4)
       and (s.client_id is null
         or (s.created_before < $1 and (e.created_at >= s.created_before or e.seq > s.seq_up_to)))
     group by 1, 2, 3, 4, 5`,
    [before, seqUpTo, floor.created_before, floor.seq_up_to],
  )
  await mark(tx, before, seqUpTo)
  await raiseFloor(tx, before, seqUpTo)
}

async function takeLastUsage(tx: Queryable, clientId: number): Promise<void> {
  await createTable(tx)
  await tx.query(
    `insert into usage_taken ${sumsOf('left join usage_settled s on s.client_id = e.client_id')}
     where e.client_id = $1 and (s.client_id is null or e.created_at >= s.created_before or e.seq > s.seq_up_to)
     group by 1, 2, 3, 4, 5`,
    [clientId],
  )
  await tx.query(
    `insert into usage_settled (client_id, created_before, seq_up_to) values ($1, 'infinity', $2)
     on conflict (client_id) do update set created_before = excluded.created_before, seq_up_to = excluded.seq_up_to`,
    [clientId, Number.MAX_SAFE_INTEGER],
  )
}

async function createTable(tx: Queryable): Promise<void> {
  await tx.query(
    `create temporary table usage_taken (
       client_id bigint not null, endpoint text, provider text, model text, unit_price_micros bigint,
       quantity bigint not null, total_micros bigint not null
     ) on commit drop`,
  )
}

/**
 * Names that a caller chose (paths, models of calls that cost nothing) make no group of their own: lines stay few. Nor does
 * the model that an endpoint of ours asked: the client pays for the endpoint, whichever model was asked last.
 */
function sumsOf(join: string): string {
  return `select e.client_id, case when e.provider is null then e.endpoint end, e.provider,
      case when e.provider is not null and e.cost_micros > 0 then e.model end,
      case when e.unit_price_micros is not null then e.cost_micros end,
      count(*), sum(e.cost_micros)
    from usage_events e ${join}`
}

async function mark(tx: Queryable, before: Date, seqUpTo: number): Promise<void> {
  await tx.query(
    `insert into usage_settled (client_id, created_before, seq_up_to)
     select distinct client_id, $1::timestamptz, $2::bigint from usage_taken
     on conflict (client_id) do update set created_before = excluded.created_before, seq_up_to = excluded.seq_up_to`,
    [before, seqUpTo],
  )
}

/** Everything before and up to it is settled for every client: those that were left for later hold it back. */
async function raiseFloor(tx: Queryable, before: Date, seqUpTo: number): Promise<void> {
  await tx.query(
    `insert into usage_settled_floor (id, created_before, seq_up_to)
     select 1, $1::timestamptz, least($2::bigint, min(seq_up_to)) from usage_settled where created_before >= $1
     on conflict (id) do update set created_before = excluded.created_before, seq_up_to = excluded.seq_up_to
       where usage_settled_floor.created_before < excluded.created_before
         or (usage_settled_floor.created_before = excluded.created_before
           and usage_settled_floor.seq_up_to < excluded.seq_up_to)`,
    [before, seqUpTo],
  )
}
