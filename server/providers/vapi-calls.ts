// Voice calls of devices at VAPI: started on the operator's key, and stopped only by the device that started them.
import { AppError, type VapiStartRequest } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Secret } from '../lib/secret.ts'
import type { Jobs, Queryable } from '../store/store.ts'
import type { Provider, Providers } from './providers.ts'
import { vapi } from './vapi.ts'
import { createVapiCallStore, type VapiCall } from './vapi-call-store.ts'
import { createVapiClient, type VapiAnswer, type VapiRequest } from './vapi-client.ts'
import { createControlUrlCheck, readCallId, readControlUrl } from './vapi-control-url.ts'

/** Who calls: a device, and the assistants it may start (null: all). */
export type VapiCaller = { clientId: number; devicePk: number; assistants: readonly string[] | null }

export type VapiCalls = {
  /** VAPI's status and JSON as they are. Throws AppError `assistant_not_allowed`, `provider_key_missing`, `provider_key_rejected` or one of the upstream. */
  start(caller: VapiCaller, order: VapiStartRequest): Promise<VapiAnswer>
  /** Throws AppError `not_found` alike for an absent call and one that another device started. */
  stop(caller: VapiCaller, callId: string): Promise<VapiAnswer>
  /** Part of deleting a client: who started which call goes in the same transaction. */
  removeClient(tx: Queryable, clientId: number): Promise<void>
  close(): Promise<void>
}

export type VapiCallsDependencies = {
  config: Pick<Config, 'upstreamConnectTimeoutMs' | 'vapi'> & {
    retention: Pick<Config['retention'], 'vapi_calls_days'>
  }
  providers: Pick<Providers, 'openSharedKey'> & { find(name: string): Pick<Provider, 'baseUrl'> | null }
  database: Queryable
  jobs: Pick<Jobs, 'schedule'>
  clock: Clock
  logger: Logger
}

export async function createVapiCalls(dependencies: VapiCallsDependencies): Promise<VapiCalls> {
  const { config, providers, database, jobs, clock, logger } = dependencies
  const { baseUrl } = providers.find(vapi.name) ?? vapi
  const store = createVapiCallStore(database)
  const client = createVapiClient({ baseUrl, connectTimeoutMs: config.upstreamConnectTimeoutMs, clock })
  const isControlUrl = createControlUrlCheck(baseUrl)
  await jobs.schedule('vapi-calls-retention', '40 3 * * *', () =>
    store.removeOlderThan(config.retention.vapi_calls_days),
  )

  async function requireKey(): Promise<Secret> {
    const key = await providers.openSharedKey(vapi.name)
    if (!key) throw new AppError('provider_key_missing')
    return key
  }

  /** By the call's own control URL, which needs no key; where there is none that may be used, by the API. */
  async function end(call: Omit<VapiCall, 'clientId' | 'devicePk'>, key: Secret): Promise<VapiAnswer> {
    const path = `/call/${encodeURIComponent(call.callId)}`
    const controlUrl =
      call.controlUrl ?? readControlUrl((await client.send({ method: 'GET', path, key })).json)
    const order: VapiRequest =
      controlUrl !== null && isControlUrl(controlUrl)
        ? { method: 'POST', url: controlUrl, body: { type: 'end-call' } }
        : { method: 'PATCH', path, key, body: { status: 'ended' } }
    return client.send(order)
  }

  /** Without its row nobody could stop the call, so a call that cannot be written down is ended again. */
  async function remember(call: VapiCall, key: Secret): Promise<void> {
    try {
      await store.insert(call)
    } catch (error) {
      await end(call, key).catch((failure: unknown) =>
        logger.warn('a call that could not be written down goes on at VAPI', {
          component: 'vapi',
          error: failure,
        }),
      )
      throw error
    }
  }

  return {
    async start(caller, { assistant_id: assistantId, assistant_overrides: assistantOverrides }) {
      const { clientId, devicePk, assistants } = caller
      if (assistants !== null && !assistants.includes(assistantId)) {
        throw new AppError('assistant_not_allowed')
      }
      const key = await requireKey()
      const body = { assistantId, ...(assistantOverrides ? { assistantOverrides } : {}) }
      const answer = await client.send({ method: 'POST', path: config.vapi.start_path, key, body })
      const callId = readCallId(answer.json)
      if (answer.status < 300 && callId !== null) {
        await remember({ callId, clientId, devicePk, controlUrl: readControlUrl(answer.json) }, key)
      }
      return answer
    },

    async stop(caller, callId) {
      const call = await store.find(caller.clientId, caller.devicePk, callId)
      if (!call) throw new AppError('not_found', { message: 'There is no such call.' })
      const answer = await end(call, await requireKey())
      if (answer.json !== null) return answer
      return {
        status: answer.status === 204 ? 200 : answer.status,
        json: { status: 'ended', call_id: callId },
      }
    },

    removeClient: store.removeClient,
    close: client.close,
  }
}
