// /admin/api/bindings: list them, bind ahead of first use, change a rule, unbind, ban, unban.
import {
  AppError,
  bindingCreateRequest,
  bindingIdRequest,
  bindingItem,
  bindingRuleRequest,
  bindingsQuery,
  pageOf,
} from '@sallyport/contract'
import type { Bindings } from '../bindings/bindings.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

export type BindingRouteDependencies = {
  bindings: Bindings
  audit: Pick<AuditLog, 'recorderFor'>
  /** Null for a text that could never be used as a token of the downstream. */
  identifyToken(token: string): { digest: string; tokenDisplay: string } | null
}

export function addBindingRoutes(api: WebApi, dependencies: BindingRouteDependencies): void {
  const { bindings, audit, identifyToken } = dependencies
  const path = '/admin/api/bindings'
  const describe = (summary: string) => ({ tags: ['bindings'], summary, response: answers(bindingItem) })

  api.get(
    path,
    {
      schema: {
        ...describe('List bindings'),
        querystring: bindingsQuery,
        response: answers(pageOf(bindingItem)),
      },
    },
    (request) => bindings.list(request.query),
  )
  api.post(
    path,
    { schema: { ...describe('Bind a token ahead of its first use'), body: bindingCreateRequest } },
    async (request, reply) => {
      const { token, mode, allowed_ips: allowedIps } = request.body
      const identified = identifyToken(token)
      if (!identified) {
        throw new AppError('malformed_request', {
          message: 'token: is not a token of the service behind Sallyport; send it as clients do.',
        })
      }
      reply.code(201)
      return bindings.create({ ...identified, rule: { mode, allowedIps } }, recorderOf(audit, request.raw))
    },
  )
  api.put(
    `${path}/ip`,
    { schema: { ...describe('Change the rule of a binding'), body: bindingRuleRequest } },
    async (request) => {
      const { id, mode, allowed_ips: allowedIps } = request.body
      return found(id, await bindings.setRule(id, { mode, allowedIps }, recorderOf(audit, request.raw)))
    },
  )
  const changes = [
    ['unbind', 'Remove a binding; the next use binds anew', bindings.unbind],
    ['ban', 'Ban a credential', bindings.ban],
    ['unban', 'Lift a ban', bindings.unban],
  ] as const
  for (const [verb, summary, change] of changes) {
    api.post(
      `${path}/${verb}`,
      { schema: { ...describe(summary), body: bindingIdRequest } },
      async (request) =>
        found(request.body.id, await change(request.body.id, recorderOf(audit, request.raw))),
    )
  }
}

function found<Item>(id: number, item: Item | null): Item {
  if (item === null) throw notFound(`There is no binding with the id ${id}.`)
  return item
}
