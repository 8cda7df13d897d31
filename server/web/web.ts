// Door of the web room: one framework for all routes that answer JSON; the rooms that own the routes add them to it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Config } from '../config/config.ts'
import { addDocsRoutes } from './docs.ts'
import { keepCall, type WebCall } from './request-context.ts'
import { type AddRoutes, createWebApi } from './web-api.ts'

export { callOf, type WebCall } from './request-context.ts'
export { type AddRoutes, answers, notFound, type WebApi } from './web-api.ts'

export type WebDependencies = {
  config: Pick<Config, 'limits'>
  version: string
  rooms: readonly AddRoutes[]
}

export type Web = {
  /** Answers a request for any path of ours; unknown paths get 404, unknown methods 405. */
  handle(request: IncomingMessage, response: ServerResponse, call: WebCall): void
  close(): Promise<void>
}

/** On every answer, errors too: nothing of it may be kept or taken for something else. */
const standardHeaders = [
  ['cache-control', 'no-store'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
] as const

export async function createWeb({ config, version, rooms }: WebDependencies): Promise<Web> {
  const bodyBytesMax = config.limits.admin.body_bytes_max
  const addRoutes: AddRoutes = (api) => {
    for (const add of rooms) add(api)
  }
  const api = createWebApi(bodyBytesMax)
  addRoutes(api)
  addDocsRoutes(api, { addRoutes, bodyBytesMax, version })
  await api.ready()
  return {
    handle(request, response, call) {
      keepCall(request, call)
      for (const [name, value] of standardHeaders) response.setHeader(name, value)
      response.setHeader('x-request-id', call.requestId)
      api.routing(request, response)
    },
    close: () => api.close(),
  }
}
