// Reading a long result in batches: flat memory however many rows there are.
import type pg from 'pg'
import Cursor from 'pg-cursor'
import type { Clock } from '../lib/clock.ts'
import { columnTypes, statementTimeoutMs } from './connection.ts'
import { withDeadline } from './deadline.ts'

/** A reader may pause this long between two batches, as a slow download does. */
const readerPauseMs = 120_000

/** Yields batches of at most `batchRows` rows and gives the client back; a reading that is left early cuts it. */
export async function* readThroughCursor<R>(options: {
  client: pg.PoolClient
  sql: string
  values: readonly unknown[]
  batchRows: number
  clock: Clock
}): AsyncGenerator<R[]> {
  const { client, sql, values, batchRows, clock } = options
  const limit = <Value>(work: Promise<Value>) => withDeadline(clock, statementTimeoutMs, work)
  let finished = false
  try {
    await limit(client.query('begin read only'))
    await limit(client.query(`set local idle_in_transaction_session_timeout = ${readerPauseMs}`))
    const cursor = client.query(new Cursor<R>(sql, [...values], { types: columnTypes }))
    for (;;) {
      const rows = await limit(cursor.read(batchRows))
      if (rows.length === 0) break
      yield rows
    }
    await limit(cursor.close())
    await limit(client.query('commit'))
    finished = true
  } finally {
    client.release(!finished)
  }
}
