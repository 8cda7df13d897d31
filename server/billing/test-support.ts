// For tests of billing: the room on a real database, clients, and usage events as the ledger holds them.
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type Config, loadConfig } from '../config/config.ts'
import { createManualClock, type ManualClock } from '../lib/clock.ts'
import type { MailOutbox } from '../notify/notify.ts'
import type { Database, Queryable, Store } from '../store/store.ts'
import { createTestStore, silentLogger } from '../store/test-support.ts'
import { settlement } from '../usage/usage.ts'
import { type Billing, type BillingDependencies, createBilling } from './billing.ts'

export type TestEvent = {
  clientId: number
  at: string | number
  endpoint?: string
  provider?: string | null
  model?: string | null
  unitPriceMicros?: number | null
  costMicros: number
  times?: number
}

export type TestBilling = Billing & {
  store: Store
  database: Database
  clock: ManualClock
  config: Config['billing']
  /** A client, made as identity makes them. */
  makeClient(name: string, email?: string | null): Promise<number>
  write(...events: TestEvent[]): Promise<void>
  /** A second room on the same database, as another replica has one. */
  openReplica(): Promise<Billing>
  record: () => Promise<void>
  /** For a room of one's own: what is the same in every one. */
  parts: Pick<BillingDependencies, 'usage' | 'describeClients' | 'logger'>
}

export const noMail: MailOutbox = {
  isMailConfigured: () => false,
  registerMail: async () => undefined,
  enqueueMail: async () => undefined,
}

export async function openBilling(
  test: TestContext,
  options: {
    nowMs?: number
    billing?: Partial<Config['billing']>
    openOutbox?: (store: Store) => MailOutbox
  } = {},
): Promise<TestBilling> {
  const { nowMs = Date.parse('2025-10-06T05:00:00Z'), openOutbox = () => noMail } = options
  const store = await createTestStore({ kind: 'dsn', redis: false })
  test.after(store.close)
  const { database } = store
  const clock = createManualClock(nowMs)
  const standard = loadConfig({
    env: {},
    workingDir: store.dependencies.config.dataDir,
    createSecrets: false,
  })
  const config = { ...standard.billing, ...options.billing }
  const parts = { usage: settlement, describeClients, logger: silentLogger }
  const open = () =>
    createBilling({ ...{ config: { billing: config }, store, clock, ...parts }, notify: openOutbox(store) })
  const billing = await open()
  return {
    ...{ ...billing, store, database, clock, config, parts },
    openReplica: open,
    record: async () => undefined,
    async makeClient(name, email = `${name.toLowerCase().replace(/[^a-z0-9]/g, '')}@example.com`) {
      const { rows } = await database.query<{ id: number }>(
        'insert into clients (external_id, name, email) values ($1, $2, $3) returning id',
        [randomUUID(), name, email],
      )
      return rows[0]?.id ?? 0
    },
    write: (...events) => writeEvents(database, events),
  }
}

async function describeClients(queryable: Queryable, ids: readonly number[]) {
  const { rows } = await queryable.query<{
    id: number
    name: string
    external_id: string
    email: string | null
  }>('select id, name, external_id, email from clients where id = any($1::bigint[])', [ids])
  return rows
}

/** Under the ledger's own lock, as its writers hold it. */
export async function writeEvents(database: Database, events: readonly TestEvent[]): Promise<void> {
  await database.query(
    `insert into usage_events (id, created_at, client_id, request_id, credential, endpoint, provider, model, method,
       status, duration_ms, bytes_in, bytes_out, unit_price_micros, cost_micros, flags)
     select gen_random_uuid(), e.created_at, e.client_id, 'request', 'api_key:1', e.endpoint, e.provider, e.model,
       'POST', 200, 5, 100, 200, e.unit_price_micros, e.cost_micros, '{}'
     from jsonb_to_recordset($1) as e (created_at timestamptz, client_id bigint, endpoint text, provider text, model text,
       unit_price_micros bigint, cost_micros bigint, times int), generate_series(1, e.times)`,
    [
      JSON.stringify(
        events.map((event) => ({
          created_at: new Date(event.at).toISOString(),
          client_id: event.clientId,
          endpoint: event.endpoint ?? `/proxy/${event.provider}/v1/chat/completions`,
          provider: event.provider ?? null,
          model: event.model ?? null,
          unit_price_micros: event.unitPriceMicros === undefined ? event.costMicros : event.unitPriceMicros,
          cost_micros: event.costMicros,
          times: event.times ?? 1,
        })),
      ),
    ],
  )
}

/** The calls of the Isolation seed's two clients in one week. */
export function seedEvents(first: number, second: number): TestEvent[] {
  const at = '2025-10-01T10:00:00Z'
  const calls = (clientId: number, endpoint: string, costMicros: number, times: number) => ({
    ...{ clientId, at, endpoint, costMicros, times },
  })
  return [
    calls(first, '/api/video/buffer', 10_000, 138),
    calls(first, '/api/video/analyze', 50_000, 17),
    calls(first, '/api/alert', 100_000, 2),
    calls(second, '/api/video/buffer', 10_000, 82),
    calls(second, '/api/video/analyze', 50_000, 4),
    calls(second, '/api/alert', 100_000, 3),
  ]
}
