// Credentials of a client that an admin can revoke and reactivate: a key, a device, or the client with all it holds.
import assert from 'node:assert/strict'
import type { ClientItem, KeyItem } from '@sallyport/contract'
import { call } from './call.ts'
import { type Gateway, jsonCall } from './gateway.ts'

export type Revocable = {
  credentials: readonly string[]
  /** Each answers the credentials that are to be tried from then on. */
  revoke(): Promise<readonly string[]>
  reactivate(): Promise<readonly string[]>
}

export type Holder = {
  key: Revocable
  device: Revocable
  client: Revocable
  /** A new token for the device, from any gateway of the fleet. */
  authenticate(gateway: Gateway): Promise<string>
}

/** Makes a client with a second key and a device. */
export async function makeHolder(gateway: Gateway, name: string): Promise<Holder> {
  const { client, api_key } = await order<{ client: ClientItem; api_key: string }>(gateway, '/clients', {
    ...{ name, email: `${name}@example.com` },
  })
  const kiosk = await order<{ key: KeyItem; api_key: string }>(gateway, `/clients/${client.id}/keys`, {})
  const deviceId = `pi_${name}`
  const { device_secret } = await order<{ device_secret: string }>(gateway, '/devices', {
    ...{ device_id: deviceId, client_id: client.id },
  })
  const authenticate = (at: Gateway) => newDeviceToken(at, { device_id: deviceId, device_secret })
  const token = await authenticate(gateway)
  const revocable = (path: string, credentials: readonly string[], renew = async () => credentials) => ({
    credentials,
    revoke: () => order(gateway, `${path}/revoke`).then(() => credentials),
    reactivate: () => order(gateway, `${path}/reactivate`).then(renew),
  })
  return {
    key: revocable(`/keys/${kiosk.key.id}`, [kiosk.api_key]),
    // Tokens of before the revocation stay dead.
    device: revocable(`/devices/${deviceId}`, [token], async () => [await authenticate(gateway)]),
    client: revocable(`/clients/${client.id}`, [api_key, token]),
    authenticate,
  }
}

async function order<Answer>(gateway: Gateway, path: string, body?: object): Promise<Answer> {
  const answer = await gateway.admin('POST', path, body)
  assert.ok(answer.status === 200 || answer.status === 201, `${path}: ${answer.status} ${answer.text}`)
  return answer.json() as Answer
}

async function newDeviceToken(
  gateway: Gateway,
  body: { device_id: string; device_secret: string },
): Promise<string> {
  const answer = await call(`${gateway.url}/device/auth`, jsonCall('POST', body))
  assert.equal(answer.status, 200, answer.text)
  return (answer.json() as { access_token: string }).access_token
}
