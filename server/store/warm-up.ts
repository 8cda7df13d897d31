// Reads what lists are found by into the memory of a server that has just started. Block by block, as a list needs them,
// the same takes the disk ten times as long, and the first to look would wait for it.
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database } from './store.ts'

type Index = { oid: number; blocks: number }

/** 4 MiB: some milliseconds of the disk. */
const blocksAtOnce = 512
/** Smaller ones are read soon enough when they are needed. */
const bytesMin = 2 ** 20
/** What the rest of the server's memory is for: rows. */
const shareMax = 0.75

export type WarmUp = {
  /** Resolves when all is read. Never rejects: failing only means that first looks at long lists are slow. */
  start(): Promise<void>
  close(): void
}

/**
 * As many indexes, small ones first, as there is room for. We must be a superuser of the server, as of the embedded one:
 * block-wise reading is its extension `pg_prewarm`.
 */
export function createWarmUp(options: { database: Database; clock: Clock; logger: Logger }): WarmUp {
  const { database, clock, logger } = options
  let timer: Timer | null = null
  let isClosed = false

  async function findIndexes(): Promise<Index[]> {
    const { rows } = await database.query<Index>(
      `select oid, bytes / current_setting('block_size')::int as blocks from (
         select oid, bytes, sum(bytes) over (order by bytes, oid) as bytes_so_far
         from pg_class, pg_relation_size(oid) as bytes
         where relkind = 'i' and relnamespace = 'public'::regnamespace and bytes >= $1
       ) as index
       where bytes_so_far <= pg_size_bytes(current_setting('shared_buffers')) * $2::float8`,
      [bytesMin, shareMax],
    )
    if (rows.length > 0) await database.query('create extension if not exists pg_prewarm')
    return rows
  }

  async function readAll(): Promise<void> {
    for (const { oid, blocks } of await findIndexes()) {
      for (let first = 0; first < blocks && !isClosed; first += blocksAtOnce) {
        const last = Math.min(first + blocksAtOnce, blocks) - 1
        const startedMs = clock.monotonicMs()
        await database.query(`select pg_prewarm($1::oid::regclass, 'buffer', 'main', $2, $3)`, [
          oid,
          first,
          last,
        ])
        // Half of the time the disk belongs to those who call.
        await pause(clock.monotonicMs() - startedMs)
      }
    }
  }

  function pause(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      timer = clock.after(forMs, resolve)
    })
  }

  return {
    start: () =>
      readAll().catch((error: unknown) => {
        if (!isClosed) {
          logger.info('the indexes could not be read into memory', { component: 'database', error })
        }
      }),
    close() {
      isClosed = true
      timer?.cancel()
    },
  }
}
