// The web framework as every room with routes uses it: schemas checked, errors in one form, nothing that a browser could misread.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { AppError, errorAnswer } from '@sallyport/contract'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifySchemaCompiler,
  type FastifySerializerCompiler,
  fastify,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { answerError } from './answer-error.ts'
import { describeProblem, malformedRequest } from './describe-problem.ts'
import { callOf } from './request-context.ts'
import { answerUnknownRoute } from './unknown-route.ts'

export type WebApi = FastifyInstance<
  Server,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** Adds the routes of a room. Called more than once: for the instance that serves, and for one that is only described. */
export type AddRoutes = (api: WebApi) => void

const codingMessage = 'Send the body as it is: Content-Encoding is not taken here, nothing is unpacked.'

/** An instance without routes. It is never told to listen: requests are handed to its `routing`. */
export function createWebApi(bodyBytesMax: number): WebApi {
  const api: WebApi = fastify({
    bodyLimit: bodyBytesMax,
    // Answers while closing are the listener's matter.
    return503OnClosing: false,
    frameworkErrors: answerError,
    // The framework's own compilers would be loaded otherwise, a hundred modules that nobody uses.
    schemaController: { compilersFactory: { buildValidator: unused, buildSerializer: unused } },
  }).withTypeProvider<ZodTypeProvider>()
  api.removeContentTypeParser('text/plain')
  api.setValidatorCompiler(compileValidator)
  api.setSerializerCompiler(compileSerializer)
  api.setErrorHandler(answerError)
  answerUnknownRoute(api)
  // After the authentication: who is refused need not send the body first (RFC 9110 section 10.1.1).
  api.addHook('preParsing', async (request, reply) => {
    const coding = request.headers['content-encoding'] ?? 'identity'
    if (coding !== 'identity') throw new AppError('unsupported_media_type', { message: codingMessage })
    if (callOf(request.raw).expectsContinue) reply.raw.writeContinue()
  })
  return api
}

/** Answer schemas of a route: its own for success, the envelope for every error. */
export function answers<Answer extends z.ZodType>(answer: Answer) {
  return { '2xx': answer, '4xx': errorAnswer, '5xx': errorAnswer }
}

function unused(): never {
  throw new Error('schemas are compiled by the compilers below')
}

const compileValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const part = httpPart === 'querystring' ? 'query' : (httpPart ?? 'request')
  return (data: unknown) => {
    if (hasNul(data)) return { error: malformedRequest([nulProblem], part) }
    // The framework says null for a body that was not sent; one that may be left out has a default for undefined.
    const parsed = schema.safeParse(data ?? undefined, { error: describeProblem })
    return parsed.success ? { value: parsed.data } : { error: malformedRequest(parsed.error.issues, part) }
  }
}

/** PostgreSQL holds no such character: it would end as a fault of ours. */
const nulProblem: z.core.$ZodIssue = {
  code: 'custom',
  path: [],
  message: 'holds the character U+0000; remove it',
  input: undefined,
}

function hasNul(data: unknown): boolean {
  if (typeof data === 'string') return data.includes('\0')
  if (typeof data !== 'object' || data === null) return false
  return Object.values(data).some(hasNul)
}

/** An answer that does not keep its own schema is a fault of ours: it never leaves. */
const compileSerializer: FastifySerializerCompiler<z.ZodType> = ({ schema, method, url }) => {
  return (data: unknown) => {
    const encoded = z.safeEncode(schema, data)
    if (encoded.success) return JSON.stringify(encoded.data)
    const fields = encoded.error.issues.map((issue) => issue.path.join('.')).join(', ')
    throw new Error(`the answer of ${method} ${url} breaks its schema at: ${fields}`)
  }
}

export function notFound(message: string): AppError {
  return new AppError('not_found', { message })
}
