// The connection to Redis: no call waits longer than a second, and an engine found away is asked again in the background only.
import { randomUUID } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Secret } from '../lib/secret.ts'
import { createCircuit } from './circuit.ts'
import { withDeadline } from './deadline.ts'
import { EngineAwayError } from './engine-away-error.ts'

const limitMs = 1_000

/** What we use of the driver's client. */
type Client = { sendCommand(words: string[]): Promise<unknown>; destroy(): void }

/** A Lua script; Redis runs it as one step. `sha` is its SHA-1, by which Redis remembers it. */
export type RedisScript = { readonly text: string; readonly sha: string }

export type Redis = {
  /** Names every key of this installation. */
  readonly prefix: string
  /** Key of the generation; see SharedCache. */
  readonly generationKey: string
  isUsable(): boolean
  /** Throws EngineAwayError when there is no answer within a second, and at once while Redis is known to be away. */
  run(script: RedisScript, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown>
  close(): void
}

/** Connects; a Redis that cannot be reached is away, not an error. */
export async function connectRedis(options: {
  address: Secret
  password: Secret | null
  prefix: string
  clock: Clock
  logger: Logger
}): Promise<Redis> {
  const { address, password, prefix, clock, logger } = options
  const generationKey = `${prefix}generation`
  // Loaded only where Redis is configured: it takes a quarter of the memory of an idle gateway.
  const driver = await import('@redis/client')
  let current: Client | null = null
  let isClosed = false
  const circuit = createCircuit({ engine: 'redis', clock, logger, probe: connect })

  async function connect(): Promise<void> {
    const client = driver.createClient({
      url: address.reveal(),
      ...(password ? { password: password.reveal() } : {}),
      socket: { connectTimeout: limitMs, reconnectStrategy: false },
      disableOfflineQueue: true,
      disableClientInfo: true,
    })
    client.on('error', (error: unknown) => lose(client, error))
    client.on('end', () => lose(client, new Error('the connection ended')))
    try {
      await withDeadline(clock, limitMs, client.connect())
      // What was written before we could see it may be older than what was decided since: a new generation hides it.
      await withDeadline(clock, limitMs, client.sendCommand(['SET', generationKey, randomUUID()]))
    } catch (error) {
      destroyQuietly(client)
      throw error
    }
    // A probe may still have been on its way when all was closed.
    if (isClosed) destroyQuietly(client)
    else current = client
  }

  /** Forgotten before it is destroyed: the driver tells of that end too, and the first cause is the one to log. */
  function lose(client: Client, cause: unknown): void {
    const wasCurrent = current === client
    if (wasCurrent) current = null
    destroyQuietly(client)
    if (wasCurrent) circuit.open(cause)
  }

  async function evaluate(client: Client, script: RedisScript, operands: string[]): Promise<unknown> {
    try {
      return await client.sendCommand(['EVALSHA', script.sha, ...operands])
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
      return await client.sendCommand(['EVAL', script.text, ...operands])
    }
  }

  await connect().catch((error: unknown) => circuit.open(error))
  return {
    prefix,
    generationKey,
    isUsable: () => current !== null && !circuit.isAway(),
    async run(script, keys, values) {
      const client = current
      if (!client) throw new EngineAwayError('redis')
      const operands = [String(keys.length), ...keys, ...values.map(String)]
      try {
        return await withDeadline(clock, limitMs, evaluate(client, script, operands))
      } catch (error) {
        lose(client, error)
        throw new EngineAwayError('redis', error)
      }
    },
    close() {
      isClosed = true
      circuit.close()
      const client = current
      current = null
      if (client) destroyQuietly(client)
    },
  }
}

function destroyQuietly(client: Client): void {
  try {
    client.destroy()
  } catch {
    // It was closed already.
  }
}
