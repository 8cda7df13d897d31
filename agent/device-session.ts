// A device's standing with the gateway: secret in, tokens of 15 minutes out, always one that is good for a while.
import { call, SallyportError } from './request.ts'
import type { DeviceAuthAnswer, DeviceInfo, DeviceRefreshAnswer } from './wire.ts'

/** The gateway does not accept this id and secret: trying again cannot help. */
export class DeviceRefusedError extends Error {
  constructor(cause: unknown) {
    super('the gateway refused device_id and device_secret', { cause })
    this.name = 'DeviceRefusedError'
  }
}

export type DeviceCredentials = { deviceId: string; deviceSecret: string }

export type DeviceSession = {
  /** Calls the gateway with the device's token; one that was refused is replaced and the call made once more. */
  call<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer>
  /** Throws DeviceRefusedError, SallyportError, SallyportUnreachableError. */
  authenticate(): Promise<DeviceInfo>
  close(): void
}

/** A token is replaced when this part of its life is over. */
const refreshAt = 0.8
const retryFirstMs = 1000
const retryLongestMs = 60_000

export type SessionOptions = DeviceCredentials & {
  baseUrl: URL
  /** Told of each new token's lifetime, and of refreshes that have to be tried again. Never of the token. */
  onToken?(expiresInSeconds: number): void
  onTrouble?(error: unknown, retryInMs: number): void
}

export function createDeviceSession(options: SessionOptions): DeviceSession {
  const { baseUrl, deviceId, deviceSecret } = options
  const closing = new AbortController()
  let token: string | null = null
  let timer: ReturnType<typeof setTimeout> | null = null
  let authenticating: Promise<DeviceInfo> | null = null

  function keep(answer: DeviceRefreshAnswer): void {
    token = answer.access_token
    schedule(answer.expires_in * refreshAt * 1000, retryFirstMs)
    options.onToken?.(answer.expires_in)
  }

  function schedule(delayMs: number, retryMs: number): void {
    if (timer) clearTimeout(timer)
    if (closing.signal.aborted) return
    timer = setTimeout(() => void refresh(retryMs), delayMs)
  }

  /** A refused refresh is answered by a new authentication, anything else by trying again a little later. */
  async function refresh(retryMs: number): Promise<void> {
    try {
      keep(await send<DeviceRefreshAnswer>('POST', '/device/refresh', undefined, token))
    } catch (error) {
      if (closing.signal.aborted) return
      try {
        if (!isRefusal(error)) throw error
        await authenticate()
      } catch (trouble) {
        if (closing.signal.aborted || trouble instanceof DeviceRefusedError)
          return options.onTrouble?.(trouble, 0)
        options.onTrouble?.(trouble, retryMs)
        schedule(retryMs, Math.min(retryMs * 2, retryLongestMs))
      }
    }
  }

  /** All who ask at once share one authentication: its failures are counted against the address. */
  function authenticate(): Promise<DeviceInfo> {
    authenticating ??= authenticateOnce().finally(() => {
      authenticating = null
    })
    return authenticating
  }

  async function authenticateOnce(): Promise<DeviceInfo> {
    try {
      const body = { device_id: deviceId, device_secret: deviceSecret }
      const answer = await send<DeviceAuthAnswer>('POST', '/device/auth', body, null)
      keep(answer)
      return answer.device_info
    } catch (error) {
      throw isRefusal(error) ? new DeviceRefusedError(error) : error
    }
  }

  function send<Answer>(
    method: 'GET' | 'POST',
    path: string,
    body: unknown,
    bearer: string | null,
  ): Promise<Answer> {
    return call<Answer>(baseUrl, {
      method,
      path,
      body,
      signal: closing.signal,
      ...(bearer ? { token: bearer } : {}),
    })
  }

  return {
    authenticate,
    async call<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
      if (token === null) await authenticate()
      const used = token
      try {
        return await send<Answer>(method, path, body, used)
      } catch (error) {
        if (!isRefusal(error)) throw error
        // Somebody else may have replaced the token while this call was under way.
        if (token === used) await authenticate()
        return await send<Answer>(method, path, body, token)
      }
    },
    close() {
      closing.abort()
      if (timer) clearTimeout(timer)
      token = null
    },
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof SallyportError && error.status === 401
}
