// For tests: the gateway behind a real listener, in front of a real upstream, with bindings made by hand.
import { once } from 'node:events'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { AppError } from '@sallyport/contract'
import { Registry } from 'prom-client'
import type { BindingCall, Decision } from '../bindings/bindings.ts'
import type { Config, ConfigFile } from '../config/config.ts'
import { codeOf, collectLog, startTestHttp, type TestHttp, testConfig } from '../http/test-support.ts'
import type { Principal } from '../identity/identity.ts'
import { systemClock } from '../lib/clock.ts'
import { createKeyedDigest } from '../lib/keyed-digest.ts'
import { after, type MaybePromise } from '../lib/maybe-promise.ts'
import { Secret } from '../lib/secret.ts'
import { createProviders } from '../providers/providers.ts'
import { createMemoryCounters } from '../store/memory-counters.ts'
import { createRateLimits } from '../usage/rate-limits.ts'
import type { CallOutcome, CallToMeter, Meter, MeteredCall } from '../usage/usage.ts'
import { createCallerCheck, createGateway } from './gateway.ts'

export type Received = { method: string; target: string; rawHeaders: string[]; body: Buffer }

export type TestUpstream = {
  server: Server
  url: string
  /** Requests whose body has arrived to its end. */
  received: Received[]
  /** Every byte that came in, in the order of its arrival. */
  bytes(): string
  sockets: Set<Socket>
  close(): Promise<void>
}

export const token = `sk-${'Ab12'.repeat(12)}`
export const bearer = `Bearer ${token}`

/** Without `listener`: keeps what it received and answers `{}`. */
export async function startUpstream(listener?: RequestListener): Promise<TestUpstream> {
  const received: Received[] = []
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer(
    listener ??
      (async (request, response) => {
        received.push(await readRequest(request))
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
      }),
  )
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    bytes: () => Buffer.concat(chunks).toString('latin1'),
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

export async function readRequest(request: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { method = '', url = '', rawHeaders } = request
  return { method, target: url, rawHeaders, body: Buffer.concat(chunks) }
}

export type TestGateway = TestHttp & {
  url: string
  /** What the meter was told. */
  metered: RecordedCall[]
  /** Resolves with what it was told of the end of the call with this request id. */
  settled(requestId: string): Promise<RecordedCall['outcomes']>
  /** What the bindings were asked. */
  asked: BindingCall[]
  close(): Promise<void>
}

/** What provider calls find: who a credential is, which keys the vault holds, what the file says of providers. */
export type ProviderWorld = {
  /** API key or device token (`eyJ…`) → caller; an Error is thrown. */
  callers: Record<string, Principal | null | Error>
  /** `shared:openai` or `7:openai` → key. */
  keys: Record<string, string>
  file: ConfigFile['providers']
}

/** One call as the meter was told of it; `outcomes` holds every word on its end. */
export type RecordedCall = { call: CallToMeter; outcomes: (CallOutcome | 'cancelled')[] }

export type MeterScript = {
  /** What stands in the way of each call; a value is why it is refused. */
  open?: (call: CallToMeter) => MaybePromise<AppError | null>
  /** Told while the call is being settled. */
  onSettle?: (call: CallToMeter) => void
}

/** A meter that keeps what it is told. `settled` resolves when a call with that request id has ended. */
function createRecordingMeter({ open = () => null, onSettle }: MeterScript) {
  const metered: RecordedCall[] = []
  const waiting = new Map<string, () => void>()
  const findEnd = (id: string) =>
    metered.find(({ call, outcomes }) => call.requestId === id && outcomes.length > 0)?.outcomes
  function record(call: CallToMeter): MeteredCall {
    const outcomes: RecordedCall['outcomes'] = []
    metered.push({ call, outcomes })
    const take = (outcome: CallOutcome | 'cancelled') => {
      outcomes.push(outcome)
      onSettle?.(call)
      waiting.get(call.requestId)?.()
    }
    return { settle: take, cancel: () => take('cancelled') }
  }
  const meter: Meter = {
    open: (call) => after(open(call), (refusal) => refusal ?? record(call)),
  }
  const settled = (id: string) =>
    new Promise<RecordedCall['outcomes']>((resolve) => {
      const look = () => {
        const outcomes = findEnd(id)
        if (outcomes === undefined) return
        waiting.delete(id)
        resolve(outcomes)
      }
      waiting.set(id, look)
      look()
    })
  return { metered, settled, meter }
}

export const emptyWorld: ProviderWorld = { callers: {}, keys: {}, file: {} }

export async function startGateway(options: {
  downstreamUrl: string | null
  world?: ProviderWorld
  env?: Record<string, string>
  limits?: Partial<ConfigFile['limits']>
  decide?: (call: BindingCall) => Decision | Promise<Decision>
  userTokenIssuer?: string
  meter?: MeterScript
}): Promise<TestGateway> {
  const allow = (): Decision => ({ outcome: 'allowed', settle: null, observed: false })
  const { downstreamUrl, env = {}, limits = {}, decide = allow, userTokenIssuer = null } = options
  const config = testConfig(
    {
      SHUTDOWN_GRACE_MS: '0',
      ...(downstreamUrl === null ? {} : { DOWNSTREAM_URL: downstreamUrl }),
      ...env,
    },
    limits,
  )
  const asked: BindingCall[] = []
  const registry = new Registry()
  const digest = createKeyedDigest(config.pepper)
  const bindings = {
    decide(call: BindingCall) {
      asked.push(call)
      return decide(call)
    },
  }
  const takeRequest = createRateLimits(createMemoryCounters(systemClock))
  const { metered, settled, meter } = createRecordingMeter(options.meter ?? {})
  const log = collectLog()
  const gateway = createGateway({
    ...{ config, bindings, digest, userTokenIssuer },
    metrics: registry,
    providerCalls: {
      ...createWorld(options.world ?? emptyWorld, config),
      checkCaller: createCallerCheck({ bindings, digest, takeRequest }),
      ...{ meter, logger: log.logger },
    },
  })
  const own = (_request: IncomingMessage, response: ServerResponse) => {
    response.end('own')
    return undefined
  }
  const http = await startTestHttp({ config, registry, log, handlers: { ...gateway, own } })
  return {
    ...http,
    url: `http://127.0.0.1:${http.port}`,
    ...{ asked, metered, settled },
    async close() {
      await http.http.close()
      await gateway.close()
    },
  }
}

function createWorld({ callers, keys, file }: ProviderWorld, config: Config) {
  const authenticate = async (text: string) => {
    const known = callers[text] ?? null
    if (known instanceof Error) throw known
    return known
  }
  return {
    callers: {
      isApiKeyShaped: (text: string) => text.startsWith('sp_'),
      isDeviceTokenShaped: (text: string) => text.startsWith('eyJ'),
      isUserTokenShaped: (text: string) => text.startsWith('user.'),
      authenticateApiKey: authenticate,
      authenticateDeviceToken: authenticate,
      authenticateUserToken: authenticate,
    },
    providers: createProviders({
      config: { ...config, providers: file },
      vault: {
        openKey(clientId, provider) {
          const key = keys[`${clientId ?? 'shared'}:${provider}`]
          return key === undefined ? null : new Secret(key)
        },
        list: async () => [],
      },
    }),
    isEngineAway: (error: unknown) => error instanceof Error && error.message === 'away',
  }
}

type PairOptions = Omit<Parameters<typeof startGateway>[0], 'downstreamUrl'>

export async function startPair(
  t: TestContext,
  listener?: RequestListener,
  options: PairOptions & { prefix?: string } = {},
): Promise<{ upstream: TestUpstream; gateway: TestGateway }> {
  const upstream = await startUpstream(listener)
  const gateway = await startGateway({ ...options, downstreamUrl: upstream.url + (options.prefix ?? '') })
  t.after(async () => {
    await gateway.close()
    await upstream.close()
  })
  return { upstream, gateway }
}

/** Resolves with the next request and its response, which the test then writes. */
export function heldCalls() {
  const waiting: ((call: [IncomingMessage, ServerResponse]) => void)[] = []
  const listener: RequestListener = (incoming, response) => waiting.shift()?.([incoming, response])
  const next = () => new Promise<[IncomingMessage, ServerResponse]>((resolve) => waiting.push(resolve))
  return { listener, next }
}

export function rawGet(method = 'GET', path = '/v1/x'): string {
  return `${method} ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: ${bearer}\r\n\r\n`
}

/** The credential of the caller, and keys that the vault holds. */
export const apiKey = 'sp_key-of-the-caller'
export const sharedKey = 'shared-key-of-the-operator'
export const ownKey = 'own-key-of-client-7'
export const chat = '/proxy/openai/v1/chat/completions'

export const principal: Principal = {
  kind: 'api_key',
  clientId: 7,
  customerId: 'acme',
  credential: 'api_key:1',
  display: 'sp_ke...ller',
  scopes: null,
  models: null,
  requestsPerMinute: null,
  settings: {},
  clientRequestsPerMinute: null,
  isBound: false,
  userId: null,
  maySpendShared: true,
  device: null,
}

type ProviderOptions = {
  caller?: Partial<Principal>
  callers?: ProviderWorld['callers']
  keys?: ProviderWorld['keys']
  file?: ProviderWorld['file']
  listener?: RequestListener
  decide?: () => Decision
  limits?: Parameters<typeof startGateway>[0]['limits']
  meter?: MeterScript
}

/** A gateway in front of one upstream that stands for every provider, `x` among them. */
export async function startProviders(t: TestContext, options: ProviderOptions = {}) {
  const { caller = {}, callers = {}, keys = { 'shared:openai': sharedKey }, file = {} } = options
  const upstream = await startUpstream(options.listener)
  const names = ['OPENAI', 'ANTHROPIC', 'GEMINI', 'EXA', 'VAPI']
  const gateway = await startGateway({
    downstreamUrl: null,
    env: Object.fromEntries(names.map((name) => [`${name}_BASE_URL`, `${upstream.url}/base`])),
    world: {
      callers: { [apiKey]: { ...principal, ...caller }, ...callers },
      keys,
      file: {
        x: {
          base_url: upstream.url,
          key_slot: { query: 'token' },
          stateless_routes: [{ method: 'POST', path: '/do' }],
        },
        ...file,
      },
    },
    ...(options.decide ? { decide: options.decide } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.meter ? { meter: options.meter } : {}),
  })
  t.after(async () => {
    await gateway.close()
    await upstream.close()
  })
  const call = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const headers = { authorization: `Bearer ${apiKey}`, ...init.headers }
    const answer = await fetch(gateway.url + path, { ...init, headers })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, code: codeOf(text) }
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    call(path, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers })
  return { upstream, gateway, call, post }
}

/** The limits of provider calls as they are without a file. */
export function limitsOf() {
  return {
    body_bytes_max: 1024 * 1024,
    shared_body_bytes_max: 1024 * 1024,
    collected_bytes_max: 8 * 1024 * 1024,
    collected_bytes_per_client_max: 4 * 1024 * 1024,
    concurrent_per_address_max: 1000,
    concurrent_per_client_max: 1000,
  }
}
