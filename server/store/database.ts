// The pool of connections: queries with deadlines, transactions, cursors, and one opinion on whether the server is there.
import { Socket } from 'node:net'
import pg from 'pg'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createCircuit } from './circuit.ts'
import {
  type ConnectionTarget,
  isConnectionLoss,
  openConnection,
  runOn,
  sessionConfig,
  statementTimeoutMs,
} from './connection.ts'
import { readThroughCursor } from './cursor.ts'
import { DeadlineError, withDeadline } from './deadline.ts'
import { EngineAwayError } from './engine-away-error.ts'
import { createRowCounts } from './row-counts.ts'
import type { Database, Queryable, QueryOptions } from './store.ts'

const standardDeadlineMs = 5_000
const connectionsMax = 20
/** Cursors are read at the speed of a slow download, so they must not take the places of short queries. */
const cursorsMax = 4
const probeLimitMs = 1_000
/** An engine that only faltered, or was started anew, is back by then. */
const returnWaitMs = 3_000
/** How long connections of a pool that was given up may finish what they are at. */
const retirementMs = statementTimeoutMs
/** The same at the end of the process. */
const farewellMs = 5_000

export type OpenDatabase = Database & {
  /** Somebody else found the engine silent: it counts as away until a probe is answered, which takes a moment. */
  suspect(cause: unknown): void
  close(): Promise<void>
}

/** Nothing is connected before the first query. */
export function createDatabase(options: {
  target: ConnectionTarget
  clock: Clock
  logger: Logger
}): OpenDatabase {
  const { target, clock, logger } = options
  let lastAnswerMs = Number.NEGATIVE_INFINITY
  let queries = createPool(target, connectionsMax)
  const cursors = createPool(target, cursorsMax)
  const retired = new Set<Pool>()
  const circuit = createCircuit({ engine: 'database', clock, logger, probe })

  async function probe(): Promise<void> {
    const connection = await openConnection(target, clock, probeLimitMs)
    try {
      await connection.query('select 1', [], probeLimitMs)
    } finally {
      connection.destroy()
    }
    // Idle connections of the time before may be half-open: the server they lead to is gone without a word.
    void retire(queries)
    queries = createPool(target, connectionsMax)
  }

  async function retire(pool: Pool): Promise<void> {
    retired.add(pool)
    await endPool(pool, clock, retirementMs)
    retired.delete(pool)
  }

  /** What the caller gets for `error` of work that was begun at `sentMs`. */
  function judge(error: unknown, sentMs: number): unknown {
    if (error instanceof DeadlineError) {
      // One slow statement is not a hanging engine: others were answered while it was waited for.
      if (lastAnswerMs < sentMs) circuit.open(error)
      return new EngineAwayError('database', error)
    }
    if (!isConnectionLoss(error)) return error
    circuit.open(error)
    return new EngineAwayError('database', error)
  }

  async function lease(pool: Pool, limitMs: number): Promise<pg.PoolClient> {
    if (circuit.isAway()) throw new EngineAwayError('database')
    const sentMs = clock.monotonicMs()
    const pending = pool.connect()
    try {
      return await withDeadline(clock, limitMs, pending)
    } catch (error) {
      pending.then(
        (client) => client.release(),
        () => undefined,
      )
      // Waiting in line says nothing about the server while others are answered; failing to connect does.
      if (isLate(error)) throw judge(new DeadlineError(limitMs), sentMs)
      circuit.open(error)
      throw new EngineAwayError('database', error)
    }
  }

  /** Runs `use` on a connection of its own; a connection whose state is unknown afterwards is cut. */
  async function withClient<Value>(
    limitMs: number,
    use: (client: pg.PoolClient, remainingMs: () => number) => Promise<Value>,
  ): Promise<Value> {
    const startedMs = clock.monotonicMs()
    const remainingMs = () => limitMs - (clock.monotonicMs() - startedMs)
    const client = await lease(queries, limitMs)
    const sentMs = clock.monotonicMs()
    try {
      const value = await use(client, remainingMs)
      lastAnswerMs = clock.monotonicMs()
      client.release()
      return value
    } catch (error) {
      const isAnswer = error instanceof pg.DatabaseError
      if (isAnswer) lastAnswerMs = clock.monotonicMs()
      client.release(!(isAnswer && (await isOutsideTransaction(client, remainingMs()))))
      throw judge(error, sentMs)
    }
  }

  /** A text of several statements that failed half-way leaves its transaction open; the next answer tells. */
  async function isOutsideTransaction(client: pg.PoolClient, limitMs: number): Promise<boolean> {
    try {
      await withDeadline(clock, limitMs, client.query(''))
      return client.getTransactionStatus() === 'I'
    } catch {
      return false
    }
  }

  async function transaction<Value>(
    work: (tx: Queryable) => Promise<Value>,
    { deadlineMs = standardDeadlineMs }: QueryOptions = {},
  ): Promise<Value> {
    let failure: unknown
    const outcome = await withClient(deadlineMs, async (client, remainingMs) => {
      let isOver = false
      const tx: Queryable = {
        query(sql, values) {
          if (isOver) return Promise.reject(new Error('this transaction is over'))
          return withDeadline(clock, remainingMs(), runOn(client, sql, values))
        },
      }
      await tx.query('begin')
      if (deadlineMs > statementTimeoutMs) await tx.query(`set local statement_timeout = ${deadlineMs}`)
      try {
        const value = await withDeadline(clock, remainingMs(), work(tx))
        await commit(client, remainingMs())
        return { value }
      } catch (error) {
        if (error instanceof DeadlineError || isConnectionLoss(error)) throw error
        await tx.query('rollback')
        failure = error
        return null
      } finally {
        isOver = true
      }
    })
    if (outcome === null) throw failure
    return outcome.value
  }

  async function commit(client: pg.PoolClient, limitMs: number): Promise<void> {
    const result = await withDeadline(clock, limitMs, client.query('commit'))
    // The server answers COMMIT of a failed transaction with ROLLBACK and without an error.
    if (result.command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
  }

  const query: Database['query'] = (sql, values, { deadlineMs = standardDeadlineMs } = {}) =>
    withClient(deadlineMs, (client, remainingMs) =>
      withDeadline(clock, remainingMs(), runOn(client, sql, values)),
    )

  return {
    query,
    transaction,
    ...createRowCounts({ query }, clock),
    async *stream(sql, values, batchRows) {
      const client = await lease(cursors, standardDeadlineMs)
      const sentMs = clock.monotonicMs()
      try {
        yield* readThroughCursor({ client, sql, values, batchRows, clock })
      } catch (error) {
        throw judge(error, sentMs)
      }
    },
    isReachable: () => !circuit.isAway(),
    suspect: circuit.open,
    untilBack: () => circuit.untilBack(returnWaitMs),
    async close() {
      circuit.close()
      // A server that is away would not hear the farewell.
      const limitMs = circuit.isAway() ? 0 : farewellMs
      for (const pool of retired) cutSockets(pool)
      await Promise.all([endPool(queries, clock, limitMs), endPool(cursors, clock, limitMs)])
    },
  }
}

type Pool = pg.Pool & { readonly sockets: ReadonlySet<Socket> }

function createPool(target: ConnectionTarget, max: number): Pool {
  const sockets = new Set<Socket>()
  const pool = new pg.Pool({
    ...sessionConfig(target),
    max,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: standardDeadlineMs,
    stream: () => trackSocket(sockets),
  })
  // Losses are seen by the query in work or by the next one; without listeners they would end the process.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return Object.assign(pool, { sockets })
}

function trackSocket(sockets: Set<Socket>): Socket {
  const socket = new Socket()
  sockets.add(socket)
  return socket.once('close', () => sockets.delete(socket))
}

/** Ours, or the driver's own limit on standing in line or connecting. */
function isLate(error: unknown): boolean {
  return error instanceof DeadlineError || (error instanceof Error && /timeout/.test(error.message))
}

/** Lets the pool's work finish, then cuts what is left. */
async function endPool(pool: Pool, clock: Clock, limitMs: number): Promise<void> {
  await withDeadline(clock, limitMs, pool.end()).catch(() => undefined)
  cutSockets(pool)
}

function cutSockets(pool: Pool): void {
  for (const socket of pool.sockets) socket.destroy()
}
