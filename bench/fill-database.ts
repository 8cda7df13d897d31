// Fills the database of a gateway that is not running yet with as many rows as years of use would leave.
import { loadConfig } from '../server/config/config.ts'
import { systemClock as clock } from '../server/lib/clock.ts'
import { createLogger } from '../server/lib/logger.ts'
import { openDatabaseForCommand, type Queryable } from '../server/store/store.ts'
import { gatewayEnvironment } from './peers.ts'

const fillLimitMs = 300_000

/** `digests` are bound to this machine's address; the rest are strangers of all kinds. */
export function fillBindings(folder: string, digests: readonly string[], total: number): Promise<void> {
  return fill(folder, async (tx) => {
    await tx.query(
      `insert into bindings (digest, token_display, mode, allowed_ips, first_used_at, last_used_at)
       select decode(translate(digest, '-_', '+/') || '=', 'base64'), 'sk-0000...' || lpad(number::text, 4, '0'), 'single', '{127.0.0.1}', now(), now()
       from unnest($1::text[]) with ordinality as known(digest, number)`,
      [digests],
    )
    await tx.query(
      `insert into bindings (digest, token_display, mode, allowed_ips, status, first_used_at, last_used_at)
       select sha256(convert_to('stranger ' || number, 'UTF8')), 'sk-' || left(md5(number::text), 4) || '...' || right(md5(number::text), 4),
         case when number % 10 = 0 then 'multiple' when number % 1000 = 1 then 'all' else 'single' end,
         case when number % 10 = 0 then array[address, '192.168.7.0/24'] when number % 1000 = 1 then '{}' else array[address] end,
         case when number % 100 = 7 then 'banned' else 'active' end, at, at
       from generate_series(1, $1::int) as number,
         lateral (
           select format('10.%s.%s.%s', number >> 16, (number >> 8) & 255, number & 255) as address,
             now() - ($1::int - number) * interval '1 second' as at
         ) as one`,
      [total - digests.length],
    )
    await tx.query(
      'insert into binding_ranges (binding_id, range) select id, unnest(allowed_ips)::cidr from bindings',
    )
  })
}

export function fillIntercepts(folder: string, total: number): Promise<void> {
  return fill(folder, async (tx) => {
    await tx.query(
      `insert into intercepts (id, token_display, client_ip, allowed_ips, method, path, reason, alerted, created_at, request_id)
       select md5(number::text)::uuid, 'sk-' || left(md5(number::text), 4) || '...' || right(md5(number::text), 4),
         format('10.%s.%s.%s', number >> 16, (number >> 8) & 255, number & 255)::inet, '{203.0.113.7}', 'POST', '/v1/chat/completions',
         'ip_not_allowed', false, now() - ($1::int - number) * interval '10 seconds', md5(number::text)
       from generate_series(1, $1::int) as number`,
      [total],
    )
  })
}

/** In one transaction, oldest rows first as they come in use, and with fresh statistics as autovacuum would leave them. */
async function fill(folder: string, insert: (tx: Queryable) => Promise<unknown>): Promise<void> {
  const config = loadConfig({ env: gatewayEnvironment, workingDir: folder })
  const logger = createLogger({ format: 'json', level: 'error' })
  const { database, close } = await openDatabaseForCommand({ config, clock, logger })
  try {
    await database.transaction(insert, { deadlineMs: fillLimitMs })
    await database.query('vacuum analyze', [], { deadlineMs: fillLimitMs })
  } finally {
    await close()
  }
}
