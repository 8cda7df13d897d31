// A stand-in for the gateway in tests of the agent: real HTTP, scripted answers, everything received kept.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = { method: string; path: string; token: string | null; body: unknown }
export type Reply = { status: number; body: unknown }
export type Script = (call: Received) => Reply

export type StandInGateway = {
  url: string
  received: Received[]
  /** Resolves with the first call, past or future, that `wanted` accepts. */
  seen(wanted: (call: Received) => boolean): Promise<Received>
  close(): Promise<void>
}

export async function startStandIn(script: Script, port = 0): Promise<StandInGateway> {
  const received: Received[] = []
  const waiting = new Set<(call: Received) => void>()
  const server = createServer(async (request, response) => {
    const call = await read(request)
    received.push(call)
    for (const notice of waiting) notice(call)
    const { status, body } = script(call)
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    seen(wanted) {
      const found = received.find(wanted)
      if (found) return Promise.resolve(found)
      return new Promise((resolve) => {
        const notice = (call: Received) => {
          if (!wanted(call)) return
          waiting.delete(notice)
          resolve(call)
        }
        waiting.add(notice)
      })
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export function refusal(status: number, code: string): Reply {
  const error = { message: `refused: ${code}`, type: 'sallyport_error', code, request_id: 'req-1' }
  return { status, body: { error } }
}

async function read(request: IncomingMessage): Promise<Received> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    token: request.headers.authorization?.replace('Bearer ', '') ?? null,
    body: text === '' ? null : JSON.parse(text),
  }
}
