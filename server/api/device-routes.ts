// /device/*: an edge machine trades its secret for a short-lived token, renews it, and asks who it is.
import {
  AppError,
  deviceAuthAnswer,
  deviceAuthRequest,
  deviceInfo,
  deviceRefreshAnswer,
} from '@sallyport/contract'
import type { Devices, DeviceToken } from '../identity/identity.ts'
import { answers, callOf, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'
import type { DeviceGuessing } from './device-guessing.ts'

export type DeviceRouteDependencies = {
  devices: Pick<Devices, 'authenticate' | 'refresh' | 'info'>
  guessing: DeviceGuessing
}

const tags = ['device']
const shared = { tags, security: callerSecurity.device }

/** Needs no token: the secret in the body is the credential. */
export function addDeviceAuthRoute(api: WebApi, { devices, guessing }: DeviceRouteDependencies): void {
  const schema = {
    tags,
    security: [],
    summary: 'Trade device_id and device_secret for a device token',
    body: deviceAuthRequest,
    response: answers(deviceAuthAnswer),
  }
  api.post('/device/auth', { schema }, async ({ body, raw }) => {
    const known = await guessing.attempt(callOf(raw), () =>
      devices.authenticate(body.device_id, body.device_secret),
    )
    return {
      ...toAnswer(known.token),
      customer_id: known.info.customer_id,
      device_info: known.info,
    }
  })
}

/** Behind the authentication. */
export function addDeviceRoutes(api: WebApi, { devices }: DeviceRouteDependencies): void {
  const refreshSchema = {
    ...shared,
    summary: 'Another device token; the old one lives to its end',
    response: answers(deviceRefreshAnswer),
  }
  api.post('/device/refresh', { schema: refreshSchema }, async ({ raw }) =>
    toAnswer(stillGood(await devices.refresh(callerOf(raw)))),
  )

  const infoSchema = { ...shared, summary: 'Who this device is', response: answers(deviceInfo) }
  api.get('/device/info', { schema: infoSchema }, async ({ raw }) =>
    stillGood(await devices.info(callerOf(raw))),
  )
}

function toAnswer({ accessToken, expiresInSeconds }: DeviceToken) {
  return {
    access_token: accessToken.reveal(),
    token_type: 'Bearer' as const,
    expires_in: expiresInSeconds,
  }
}

/** The device may have been revoked since its token was looked at. */
function stillGood<Value>(value: Value | null): Value {
  if (value === null) throw new AppError('invalid_credential')
  return value
}
