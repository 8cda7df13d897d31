// For tests: the identity room on a real store, with hooks that can be watched, and a second process's worth of it on the same database.
import { after, before, type TestContext } from 'node:test'
import type { KeyCreateRequest } from '@sallyport/contract'
import { type Clock, createManualClock, type ManualClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import type { Database, QueryOptions } from '../store/store.ts'
import { createTestStore, type StoreKind, silentLogger, type TestStore } from '../store/test-support.ts'
import {
  type CallerIdentity,
  type CallerIdentityDependencies,
  createCallerIdentity,
} from './caller-identity.ts'
import type { CredentialHooks, RecordChange } from './caller-types.ts'

export type Recorded = { action: string; target: string; before: unknown; after: unknown }
export type Bound = Parameters<CredentialHooks['bindCredential']>[1]

export type IdentityRoom = CallerIdentity & {
  store: TestStore
  clock: ManualClock
  /** Changes that reached the audit log, in order. */
  recorded: Recorded[]
  record: RecordChange
  bound: Bound[]
  /** Another process on the same database and the same clock, with other wishes. */
  openSecond(wishes?: Partial<Wishes>): Promise<CallerIdentity>
}

type Wishes = CallerIdentityDependencies['config'] &
  Pick<CallerIdentityDependencies, 'notices' | 'hooks' | 'database'> & { clock: Clock }

export async function openRoom(
  test: TestContext,
  options: { store?: TestStore; config?: Partial<CallerIdentityDependencies['config']> } = {},
): Promise<IdentityRoom> {
  const store = options.store ?? (await createTestStore({ kind: 'dsn', redis: false }))
  const clock = createManualClock(Date.now())
  const recorded: Recorded[] = []
  const bound: Bound[] = []
  const opened: CallerIdentity[] = []
  const standard: Wishes = {
    ...store.dependencies.config,
    jwtSecret: null,
    jwtSecretPrevious: [],
    deviceTokenTtlSeconds: 900,
    ...{ oidcIssuer: null, oidcAudience: [], oidcJwksUrl: null, usersNewPerMinute: 60 },
    cache: { credentials_max: 1000 },
    ...options.config,
    database: store.database,
    notices: store.notices,
    clock,
    hooks: {
      bindCredential: async (_tx, input) => void bound.push(input),
      removeClient: async () => undefined,
    },
  }
  const open = async (wishes: Partial<Wishes> = {}) => {
    const { database, notices, hooks, clock: time, ...config } = { ...standard, ...wishes }
    const room = await createCallerIdentity({
      ...{ config, database, notices, hooks, counters: createMemoryCounters(time) },
      clock: time,
      logger: silentLogger,
    })
    opened.push(room)
    return room
  }
  test.after(async () => {
    for (const room of opened) await room.close()
    if (options.store) await store.database.query('truncate clients, signing_keys restart identity cascade')
    else await store.close()
  })
  const record: RecordChange = async (_tx, change) => void recorded.push(change)
  return { ...(await open()), store, clock, recorded, record, bound, openSecond: open }
}

/** Lets 20 callers call all the time, ends their credential under way, and answers how many calls that began after that were accepted. */
export async function countAcceptedAfter(
  authenticate: () => Promise<unknown> | unknown,
  end: () => Promise<unknown>,
): Promise<number> {
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  let acceptedBefore = 0
  let acceptedAfter = 0
  let isEnded = false
  const call = async () => {
    while (!isEnded) {
      if (await authenticate()) acceptedBefore++
      await turn()
    }
    for (let index = 0; index < 10; index++) if (await authenticate()) acceptedAfter++
  }
  const callers = Array.from({ length: 20 }, call)
  while (acceptedBefore === 0) await turn()
  await end()
  isEnded = true
  await Promise.all(callers)
  return acceptedAfter
}

/** A store for all tests of the suite that calls this: each leaves it as empty as it found it. */
export function shareStore(kind: StoreKind): () => TestStore {
  let store: TestStore | null = null
  before(async () => {
    store = await createTestStore({ kind, redis: false })
  })
  after(() => store?.close())
  return () => {
    if (!store) throw new Error('the store is not open yet')
    return store
  }
}

/** The database, with a word of the test's own before and after each query outside transactions. */
export function watchQueries(
  database: Database,
  watch: { before?(sql: string): void; after?(sql: string): Promise<void> },
): Database {
  return {
    ...database,
    async query<R>(sql: string, values?: readonly unknown[], options?: QueryOptions) {
      watch.before?.(sql)
      const answer = await database.query<R>(sql, values, options)
      await watch.after?.(sql)
      return answer
    },
  }
}

export const newSecret = (text: string) => new Secret(text.padEnd(32, 'x'))

let clientsMade = 0
/** A client with a key of its own wishes. */
export async function makeClient(room: IdentityRoom, key?: KeyCreateRequest) {
  const number = ++clientsMade
  const input = { name: `Client ${number}`, email: `client${number}@example.com` }
  const { client, apiKey } = await room.clients.create(input, room.record)
  if (!key) return { client, apiKey: apiKey.reveal(), keyId: 0 }
  const made = await room.keys.create(client.id, key, room.record)
  if (!made) throw new Error('a client that was just made is gone')
  return { client, apiKey: made.apiKey.reveal(), keyId: made.key.id }
}

/** A device of `clientId` with its secret and a first token. */
export async function makeDevice(room: IdentityRoom, clientId: number, deviceId = `pi_${++clientsMade}`) {
  const made = await room.devices.register({ device_id: deviceId, client_id: clientId }, room.record)
  const secret = made.deviceSecret.reveal()
  return { deviceId, secret, token: await tokenOf(room, deviceId, secret) }
}

export async function tokenOf(room: CallerIdentity, deviceId: string, secret: string): Promise<string> {
  const session = await room.devices.authenticate(deviceId, secret)
  if (!session) throw new Error(`${deviceId} was refused`)
  return session.token.accessToken.reveal()
}
