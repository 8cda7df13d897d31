// For tests of metering: rooms on real engines, as many on one database as a test wants, and a Redis that may be killed.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createClient } from '@redis/client'
import { AppError, type ClientSettings } from '@sallyport/contract'
import { loadConfig } from '../../config/config.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { Secret } from '../../lib/secret.ts'
import { createStore } from '../../store/create-store.ts'
import type { Store } from '../../store/store.ts'
import { createTestPlace, silentLogger, type TestPlace } from '../../store/test-support.ts'
import type { MemberTimes } from '../budget-members.ts'
import type { BudgetWarning } from '../budget-warning.ts'
import type { CallOutcome, CallToMeter, MeteredCall, MeteredTarget } from '../metering-types.ts'
import { createUsage, type Usage } from '../usage.ts'

export const cent = 10_000
export const done: CallOutcome = { status: 200, bytesIn: 10, bytesOut: 20, tokens: null, flags: [] }
export const quickMembers: MemberTimes = {
  beatMs: 50,
  livingMs: 600,
  steadyMs: 150,
  keptMs: 1_500,
  sweepMs: 300,
}

export type Room = { usage: Usage; store: Store; warnings: BudgetWarning[]; close(): Promise<void> }

export async function openRoom(
  place: TestPlace,
  options: { clock?: Clock; timeZone?: string; memberTimes?: MemberTimes } = {},
): Promise<Room> {
  const { clock = systemClock, timeZone = 'UTC', memberTimes = quickMembers } = options
  const standard = loadConfig({ env: {}, workingDir: '/nowhere', createSecrets: false })
  const config = { ...standard, billing: { ...standard.billing, time_zone: timeZone } }
  const store = await createStore(place.dependencies)
  const warnings: BudgetWarning[] = []
  const usage = await createUsage({
    ...{ config, store, clock, logger: silentLogger, memberTimes },
    sendWarning: async (_tx, warning) => void warnings.push(warning),
  })
  await store.startWork()
  const close = async () => {
    await usage.close()
    await store.close()
  }
  return { usage, store, warnings, close }
}

export const buffer: MeteredTarget = { kind: 'endpoint', endpoint: '/api/video/buffer' }

export function callOf(
  clientId: number,
  budgets: ClientSettings['budgets'] = null,
  target: MeteredTarget = buffer,
): CallToMeter {
  const credential = 'api_key:1'
  return { requestId: 'request', clientId, credential, method: 'POST', target, settings: { budgets } }
}

export async function openCall({ usage }: Pick<Room, 'usage'>, call: CallToMeter): Promise<MeteredCall> {
  const opened = await usage.meter.open(call)
  if (opened instanceof AppError) throw opened
  return opened
}

/** Tries `count` calls at once, spread over the rooms. */
export async function openMany(rooms: readonly Room[], call: CallToMeter, count: number) {
  const answers = await Promise.all(
    Array.from({ length: count }, (_, index) => rooms[index % rooms.length]?.usage.meter.open(call)),
  )
  const passed = answers.flatMap((answer) => (answer && !(answer instanceof AppError) ? [answer] : []))
  const codes = [...new Set(answers.flatMap((answer) => (answer instanceof AppError ? [answer.code] : [])))]
  return { passed, codes }
}

export async function codeOf({ usage }: Pick<Room, 'usage'>, call: CallToMeter): Promise<string> {
  const answer = await usage.meter.open(call)
  if (answer instanceof AppError) return answer.code
  answer.cancel()
  return 'passed'
}

export type PrivateRedis = {
  port: number
  place(): Promise<TestPlace>
  send(...words: string[]): Promise<unknown>
  start(): Promise<void>
  /** SIGKILL: everything that it knew is gone. */
  kill(): Promise<void>
}

export async function createPrivateRedis(): Promise<PrivateRedis> {
  const port = await findFreePort()
  let server: ChildProcess | null = null
  const url = `redis://127.0.0.1:${port}`
  const redis = {
    port,
    async place() {
      const place = await createTestPlace({ kind: 'dsn', redis: false })
      const config = { ...place.dependencies.config, redisAddr: new Secret(url) }
      return { ...place, dependencies: { ...place.dependencies, config } }
    },
    async send(...words: string[]) {
      const client = createClient({ url })
      await client.connect()
      try {
        return await client.sendCommand(words)
      } finally {
        client.destroy()
      }
    },
    async start() {
      const options = ['--port', String(port), '--save', '', '--bind', '127.0.0.1']
      server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
      assert.ok(server.stdout)
      for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break
      server.stdout.resume()
    },
    async kill() {
      const running = server
      server = null
      if (running?.kill('SIGKILL')) await once(running, 'close')
    },
  }
  await redis.start()
  return redis
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
