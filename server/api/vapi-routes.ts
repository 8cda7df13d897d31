// /vapi/start and /vapi/stop: voice calls of a device, on the operator's key, which the device never sees.
import { AppError, vapiStartRequest, vapiStopRequest } from '@sallyport/contract'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../identity/identity.ts'
import type { VapiAnswer, VapiCaller, VapiCalls } from '../providers/providers.ts'
import type { Meter } from '../usage/usage.ts'
import { answers, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'
import { createMeterVapi } from './vapi-metering.ts'

export type VapiRouteDependencies = { vapiCalls: Pick<VapiCalls, 'start' | 'stop'>; meter: Meter }

const shared = { tags: ['voice calls'], security: callerSecurity.device }
const answerOfVapi = z.unknown().describe('the answer of VAPI as it is')
/** Errors of VAPI come in its own form. */
const response = { ...answers(answerOfVapi), '4xx': answerOfVapi, '5xx': answerOfVapi }

/** Behind the authentication. */
export function addVapiRoutes(api: WebApi, { vapiCalls, meter }: VapiRouteDependencies): void {
  const runMetered = createMeterVapi(meter)
  const startSchema = {
    ...shared,
    summary: 'Start a call with an assistant',
    body: vapiStartRequest,
    response,
  }
  api.post('/vapi/start', { schema: startSchema }, async ({ body, raw }, reply) =>
    pass(await runMetered(raw, reply.raw, () => vapiCalls.start(toCaller(callerOf(raw)), body)), reply),
  )

  const stopSchema = {
    ...shared,
    summary: 'Stop a call that this device started',
    body: vapiStopRequest,
    response,
  }
  api.post('/vapi/stop', { schema: stopSchema }, async ({ body, raw }, reply) =>
    pass(
      await runMetered(raw, reply.raw, () => vapiCalls.stop(toCaller(callerOf(raw)), body.call_id)),
      reply,
    ),
  )
}

function toCaller({ clientId, device }: Principal): VapiCaller {
  if (!device) throw new AppError('invalid_credential')
  return { clientId, devicePk: device.pk, assistants: device.assistants }
}

function pass({ status, json }: VapiAnswer, reply: FastifyReply): unknown {
  reply.code(status)
  return json
}
