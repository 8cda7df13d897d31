// /admin/api/devices: edge machines of clients; registered, revoked, their secrets rotated.
import {
  deviceCreateRequest,
  deviceItem,
  deviceParams,
  deviceRotateRequest,
  devicesPage,
  devicesQuery,
  deviceWithSecretAnswer,
} from '@sallyport/contract'
import type { Devices } from '../identity/identity.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

export type DeviceRouteDependencies = {
  devices: Pick<Devices, 'list' | 'get' | 'register' | 'revoke' | 'reactivate' | 'rotateSecret'>
  audit: Pick<AuditLog, 'recorderFor'>
}

const path = '/admin/api/devices'
const tags = ['devices']

export function addDeviceRoutes(api: WebApi, dependencies: DeviceRouteDependencies): void {
  const { devices, audit } = dependencies
  const listSchema = {
    tags,
    summary: 'List devices',
    querystring: devicesQuery,
    response: answers(devicesPage),
  }
  api.get(path, { schema: listSchema }, async ({ query }) => ({
    ...(await devices.list(query)),
    page: query.page,
    page_size: query.page_size,
  }))

  const getSchema = { tags, summary: 'One device', params: deviceParams, response: answers(deviceItem) }
  api.get(`${path}/:device_id`, { schema: getSchema }, async ({ params: { device_id } }) =>
    found(device_id, await devices.get(device_id)),
  )

  const registerSchema = {
    tags,
    summary: 'Register a device of a client; its secret is shown only in this answer',
    body: deviceCreateRequest,
    response: answers(deviceWithSecretAnswer),
  }
  api.post(path, { schema: registerSchema }, async ({ body, raw }, reply) => {
    const { device, deviceSecret } = await devices.register(body, recorderOf(audit, raw))
    reply.code(201)
    return { device, device_secret: deviceSecret.reveal() }
  })
  addDeviceChanges(api, dependencies)
}

function addDeviceChanges(api: WebApi, { devices, audit }: DeviceRouteDependencies): void {
  const changes = [
    ['revoke', 'Revoke a device: all its tokens die at once and for good', devices.revoke],
    ['reactivate', 'Let a device authenticate again', devices.reactivate],
  ] as const
  for (const [verb, summary, change] of changes) {
    const schema = { tags, summary, params: deviceParams, response: answers(deviceItem) }
    api.post(`${path}/:device_id/${verb}`, { schema }, async ({ params: { device_id }, raw }) =>
      found(device_id, await change(device_id, recorderOf(audit, raw))),
    )
  }

  const rotateSchema = {
    tags,
    summary: 'Give a device a new secret; the old one works until the grace ends',
    params: deviceParams,
    body: deviceRotateRequest,
    response: answers(deviceWithSecretAnswer),
  }
  api.post(
    `${path}/:device_id/rotate-secret`,
    { schema: rotateSchema },
    async ({ params: { device_id }, body, raw }, reply) => {
      const rotated = await devices.rotateSecret(device_id, body.grace_seconds, recorderOf(audit, raw))
      const { device, deviceSecret } = found(device_id, rotated)
      reply.code(201)
      return { device, device_secret: deviceSecret.reveal() }
    },
  )
}

function found<Item>(deviceId: string, item: Item | null): Item {
  if (item === null) throw notFound(`There is no device "${deviceId}".`)
  return item
}
