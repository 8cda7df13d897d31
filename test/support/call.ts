// HTTP as tests need it: any header in any spelling, a chosen source address, and the answer as it came.
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as openRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { eventually, within } from './eventually.ts'

export type CallOptions = {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
  /** Source address; all of 127.0.0.0/8 is ours on Linux. */
  localAddress?: string
}

export type Answer = {
  status: number
  headers: IncomingMessage['headers']
  rawHeaders: string[]
  text: string
  /** The body as JSON; throws when it is none. */
  json(): unknown
  /** `error.code` of our envelope, else null. */
  code: string | null
}

/** One whole call on its own connection. */
export async function call(url: string, options: CallOptions = {}): Promise<Answer> {
  const { response } = await openCall(url, options)
  const body = await within(`the end of the answer of ${url}`, text(response))
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    rawHeaders: response.rawHeaders,
    text: body,
    json: () => JSON.parse(body),
    code: errorCode(body),
  }
}

/**
 * The answer of a call that is bound, asked again as the gateway's 503 says to: on a loaded machine the database may not
 * answer in the time that a decision has.
 */
export function decidedCall(url: string, options: CallOptions): Promise<Answer> {
  return eventually(`a decision of ${url}`, async () => {
    const answer = await call(url, options)
    return answer.code === 'failsafe_closed' ? null : answer
  })
}

/** Resolves at the answer's headers; the body streams. */
export async function openCall(
  url: string,
  options: CallOptions = {},
): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  const request = openRequest(url, {
    agent: false,
    method: options.method ?? 'GET',
    headers: options.headers ?? {},
    ...(options.localAddress ? { localAddress: options.localAddress } : {}),
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    request.once('error', reject)
  })
  request.end(options.body)
  return { request, response: await within(`an answer of ${url}`, answered) }
}

/** Sends bytes as they are and returns everything that comes back until the server closes the connection. */
export async function sendRaw(url: string, bytes: string | Buffer): Promise<string> {
  const socket = openSocket(url)
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => {
    answer += text
  })
  // A server that closes without reading on resets the connection; what it said before counts.
  socket.on('error', () => null)
  socket.write(bytes)
  await within('the server closing the connection', once(socket, 'close'))
  return answer
}

export function openSocket(url: string): Socket {
  const { hostname, port } = new URL(url)
  return connect({ host: hostname, port: Number(port) })
}

function errorCode(body: string): string | null {
  try {
    const parsed: unknown = JSON.parse(body)
    const error = isRecord(parsed) ? parsed.error : null
    return isRecord(error) && typeof error.code === 'string' ? error.code : null
  } catch {
    return null
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
