// Stand-ins for the vendors' APIs on one port: keeps what arrived byte for byte, answers models by aimock and the rest itself.
import { createServer, type IncomingMessage, request as openRequest, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { LLMock } from '@copilotkit/aimock'
import type { Scope } from './scope.ts'

export type ProviderApis = {
  url: string
  /** `METHOD target` of every request so far. */
  targets: string[]
  /** Bytes of every connection, in the order of their arrival. */
  rawBytes(): string
  /** Environment of a gateway whose providers are all here. */
  environment: Record<string, string>
}

export const modelReply = 'The key stays inside.'

/** Answers of the APIs that aimock does not know, by the beginning of `METHOD target`. */
const otherAnswers: Record<string, object> = {
  'POST /search': { requestId: 'r', results: [{ id: 'a', url: 'https://a.example', title: 'A' }] },
  'POST /answer': { answer: 'Yes.', citations: [] },
  'GET /call': [{ id: 'call-1', orgId: 'o' }],
  'POST /call': { id: 'call-2', orgId: 'o' },
}

export async function startProviderApis(scope: Scope): Promise<ProviderApis> {
  const mock = new LLMock({ port: 0, chunkSize: 6 })
  mock.onMessage(/.*/, { content: modelReply })
  await mock.start()
  scope.defer(() => mock.stop())
  const targets: string[] = []
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    targets.push(`${request.method} ${request.url}`)
    answer(request, response, mock.url).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.defer(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const names = ['OPENAI', 'ANTHROPIC', 'GEMINI', 'EXA', 'VAPI']
  return {
    url,
    targets,
    rawBytes: () => Buffer.concat(chunks).toString('latin1'),
    environment: Object.fromEntries(names.map((name) => [`${name}_BASE_URL`, url])),
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, mockUrl: string): Promise<void> {
  const { method = '', url = '', headers } = request
  const body = await text(request)
  const known = Object.keys(otherAnswers).find((start) => `${method} ${url}`.startsWith(start))
  if (known) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(otherAnswers[known]))
    return
  }
  // aimock knows Gemini's beta path only; the SDK takes the other one.
  const target = url.replace(/^\/v1\/(models\/[^?]+:)/, '/v1beta/$1')
  const forwarded = openRequest(mockUrl + target, { method, headers, agent: false }, (received) => {
    response.writeHead(received.statusCode ?? 502, received.headers)
    received.pipe(response)
  })
  forwarded.once('error', () => response.destroy())
  forwarded.end(body)
}
