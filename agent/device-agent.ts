// The device's side of voice calls: start one, stop it, and go on through outages.
import { createDeviceSession, type DeviceCredentials } from './device-session.ts'
import { toBaseUrl } from './request.ts'
import type { DeviceInfo } from './wire.ts'

export type DeviceAgentOptions = DeviceCredentials & {
  /** Address of the gateway. */
  proxyUrl: string
  onToken?(expiresInSeconds: number): void
  onTrouble?(error: unknown, retryInMs: number): void
}

/** VAPI's answer as it is; `id` names the call. */
export type VapiCall = { id?: string; [field: string]: unknown }

export type DeviceAgent = ReturnType<typeof createDeviceAgent>

/** Every method throws DeviceRefusedError when the secret is not accepted, else SallyportError and SallyportUnreachableError. */
export function createDeviceAgent(options: DeviceAgentOptions) {
  const session = createDeviceSession({ ...options, baseUrl: toBaseUrl(options.proxyUrl) })
  let currentCallId: string | null = null
  return {
    /** Proves the secret and keeps a token fresh from now on. */
    connect: (): Promise<DeviceInfo> => session.authenticate(),
    info: () => session.call<DeviceInfo>('GET', '/device/info'),
    async startCall(assistantId: string, assistantOverrides?: Record<string, unknown>): Promise<VapiCall> {
      const body = {
        assistant_id: assistantId,
        ...(assistantOverrides ? { assistant_overrides: assistantOverrides } : {}),
      }
      const started = await session.call<VapiCall>('POST', '/vapi/start', body)
      currentCallId = started.id ?? null
      return started
    },
    /** Stops the call that was started last; nothing happens when there is none. */
    async stopCall(): Promise<void> {
      const callId = currentCallId
      if (callId === null) return
      await session.call('POST', '/vapi/stop', { call_id: callId })
      currentCallId = null
    },
    /** Forgets the token and stops refreshing. A call in progress goes on: stop it first. */
    close: session.close,
  }
}
