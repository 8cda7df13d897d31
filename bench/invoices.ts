// P12: the invoices of one week for 10,000 clients with 10 million events, from the ledger as it lies on disk.
import { randomUUID } from 'node:crypto'
import { createBilling } from '../server/billing/billing.ts'
import { noMail } from '../server/billing/test-support.ts'
import { loadConfig } from '../server/config/config.ts'
import { createManualClock } from '../server/lib/clock.ts'
import { createTestStore, silentLogger } from '../server/store/test-support.ts'
import { settlement } from '../server/usage/usage.ts'
import type { Scope } from '../test/support/scope.ts'
import type { ResultRow } from './report.ts'

const clients = 10_000
const events = 10_000_000
const eventsPerFill = 500_000
const goalSeconds = 60
const flatMegabytes = 64
const fillDeadlineMs = 300_000

export async function measureInvoices(scope: Scope): Promise<ResultRow[]> {
  const store = await createTestStore({ kind: 'dsn', redis: false })
  scope.defer(store.close)
  const { database } = store
  await database.query(
    `insert into clients (external_id, name, email)
     select $1 || n, 'Client ' || n, 'c' || n || '@example.com' from generate_series(1, ${clients}) n`,
    [`${randomUUID()}-`],
  )
  const [{ first } = { first: 1 }] = (
    await database.query<{ first: number }>('select min(id) as first from clients')
  ).rows
  for (let from = 0; from < events; from += eventsPerFill) await fill(from, first)
  await database.query('analyze usage_events', [], { deadlineMs: fillDeadlineMs })

  async function fill(from: number, firstClient: number): Promise<void> {
    await database.transaction(
      (tx) =>
        tx.query(
          `insert into usage_events (id, created_at, client_id, request_id, credential, endpoint, provider, model, method,
             status, duration_ms, bytes_in, bytes_out, tokens_in, tokens_out, unit_price_micros, cost_micros, flags)
           select lpad(to_hex(n), 32, '0')::uuid, '2025-09-29'::timestamptz + make_interval(secs => n * 604800.0 / ${events}),
             $2::bigint + n % ${clients}, 'request-' || n, 'api_key:' || n % 20000,
             case n % 5 when 0 then '/api/video/buffer' when 1 then '/api/video/analyze' else '/proxy/openai/v1/chat/completions' end,
             case when n % 5 > 1 then 'openai' end, case n % 5 when 2 then 'gpt-5' when 3 then 'gpt-5-mini' when 4 then 'gpt-5-nano' end,
             'POST', 200, 120, 900, 1400, 300, 200, case n % 5 when 0 then 10000 when 1 then 50000 end,
             case n % 5 when 0 then 10000 when 1 then 50000 else 1234 + n % 100 end, '{}'
           from generate_series($1::bigint, $1::bigint + ${eventsPerFill - 1}) n`,
          [from, firstClient],
        ),
      { deadlineMs: fillDeadlineMs },
    )
  }

  const config = loadConfig({ env: {}, workingDir: store.dependencies.config.dataDir, createSecrets: false })
  const billing = await createBilling({
    ...{ config, store, usage: settlement, notify: noMail, logger: silentLogger },
    clock: createManualClock(Date.parse('2025-10-06T06:00:00Z')),
    describeClients: async (queryable, ids) =>
      (
        await queryable.query<{ id: number; name: string; external_id: string; email: string | null }>(
          'select id, name, external_id, email from clients where id = any($1::bigint[])',
          [ids],
        )
      ).rows,
  })
  const idleBytes = process.memoryUsage().rss
  let peakBytes = idleBytes
  const watch = setInterval(() => {
    peakBytes = Math.max(peakBytes, process.memoryUsage().rss)
  }, 50)
  const startedMs = performance.now()
  const request = { week: '2025-W40', dry_run: false, allow_open: false }
  const invoices = await billing.run(request, async () => undefined).finally(() => clearInterval(watch))
  const seconds = (performance.now() - startedMs) / 1000
  const calls = invoices.reduce((sum, invoice) => sum + invoice.calls, 0)
  if (invoices.length !== clients || calls !== events)
    throw new Error(`${invoices.length} invoices, ${calls} calls`)
  const megabytes = (peakBytes - idleBytes) / 2 ** 20
  return [
    {
      id: 'P12',
      figure: '10,000 invoices from 10 million events, with the list that answers the run',
      goal: `≤ ${goalSeconds} s`,
      measured: `${seconds.toFixed(1)} s`,
      met: seconds <= goalSeconds,
    },
    {
      id: 'P12',
      figure: 'memory over idle, the answer of 10,000 invoices included',
      goal: `≤ ${flatMegabytes} MB`,
      measured: `${megabytes.toFixed(0)} MB`,
      met: megabytes <= flatMegabytes,
    },
  ]
}
