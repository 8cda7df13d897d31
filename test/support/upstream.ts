// A real model API for tests: keeps exactly what it received and answers as the test says.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { WebSocketServer } from 'ws'
import { within } from './eventually.ts'

/** One request as it arrived. */
export type Received = {
  method: string
  /** Request target, byte for byte. */
  target: string
  rawHeaders: readonly string[]
  headers: IncomingMessage['headers']
  body: Buffer
}

/** A request that the test answers itself; the body has not been read. */
export type HeldCall = { request: IncomingMessage; response: ServerResponse }

export type Upstream = {
  url: string
  port: number
  received: Received[]
  /** Bytes of every connection, in the order of their arrival. */
  rawBytes(): Buffer
  /** The next request whose target begins with `target` is handed to the test instead of being answered. */
  hold(target: string): Promise<HeldCall>
  openSockets(): number
  close(): Promise<void>
}

const modelList = {
  object: 'list',
  data: [{ id: 'mock-model', object: 'model', created: 0, owned_by: 'test' }],
}

/** Answers the model list, echoes WebSockets at /v1/realtime, and says 401 to tokens with "rejected" in them. */
export async function startUpstream(): Promise<Upstream> {
  const received: Received[] = []
  const chunks: Buffer[] = []
  const sockets = new Set<Socket>()
  const held: { target: string; resolve: (call: HeldCall) => void }[] = []
  const server = createServer((request, response) => {
    const index = held.findIndex(({ target }) => request.url?.startsWith(target))
    const [holder] = index < 0 ? [] : held.splice(index, 1)
    if (holder) holder.resolve({ request, response })
    else answer(request, response, received).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('data', (chunk) => chunks.push(chunk))
    socket.once('close', () => sockets.delete(socket))
  })
  echoWebSockets(server, received)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    rawBytes: () => Buffer.concat(chunks),
    hold(target) {
      const { promise, resolve } = Promise.withResolvers<HeldCall>()
      held.push({ target, resolve })
      return within(`a request to ${target} at the upstream`, promise)
    },
    openSockets: () => sockets.size,
    async close() {
      if (!server.listening) return
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, received: Received[]) {
  const body = await buffer(request)
  received.push(describe(request, body))
  const isRejected = JSON.stringify(request.rawHeaders).includes('rejected')
  response.writeHead(isRejected ? 401 : 200, {
    'content-type': 'application/json',
    'x-request-id': 'upstream',
  })
  response.end(JSON.stringify(isRejected ? { error: { message: 'no such token' } } : modelList))
}

function describe(request: IncomingMessage, body: Buffer): Received {
  const { method = '', url = '', rawHeaders, headers } = request
  return { method, target: url, rawHeaders, headers, body }
}

function echoWebSockets(server: Server, received: Received[]): void {
  const echo = new WebSocketServer({ server, path: '/v1/realtime' })
  echo.on('connection', (socket, request) => {
    received.push(describe(request, Buffer.alloc(0)))
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  server.once('close', () => echo.close())
}
