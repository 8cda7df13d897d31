// A model API that misbehaves as the path says, byte by byte; on every other path it answers as it should.
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { call } from '../support/call.ts'
import type { Scope } from '../support/scope.ts'

export type HostileServer = {
  url: string
  /** Connections with an answer without end. */
  pouringSockets(): Promise<number>
}

const chunkBytes = 64 * 1024
const chunk = `${chunkBytes.toString(16)}\r\n${'x'.repeat(chunkBytes)}\r\n`
const headersBytes = 1024 * 1024
const pumpMs = 50
const okHead = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n'
const goodAnswer = `${okHead}Content-Length: 2\r\n\r\n{}`

const pouring = new Set<Socket>()

/** What each path `/v1/<name>` gets. */
const behaviours: Readonly<Record<string, (socket: Socket) => void>> = {
  'endless-body': (socket) => pump(socket, `${okHead}Transfer-Encoding: chunked\r\n\r\n`, chunk),
  'no-answer': () => undefined,
  'only-headers': (socket) => void socket.write(`${okHead}Content-Length: 1000\r\n\r\n`),
  'too-short': (socket) => socket.end(`${okHead}Content-Length: 1000\r\n\r\nhalf`),
  'too-long': (socket) => void socket.write(`${okHead}Content-Length: 4\r\n\r\nfour${goodAnswer}`),
  'endless-1xx': (socket) => pump(socket, '', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(100)),
  'huge-headers': (socket) => void socket.write(`${okHead}X-A: ${'a'.repeat(headersBytes)}\r\n\r\n`),
  'no-http': (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
  'two-lengths': (socket) => void socket.write(`${okHead}Content-Length: 4\r\nContent-Length: 5\r\n\r\nfour`),
}

if (!isMainThread && parentPort) parentPort.postMessage(await serve())

/** Starts it on a thread of its own: what it pours out must not hold up the clock that measures others. */
export async function openHostileServer(scope: Scope): Promise<HostileServer> {
  const worker = new Worker(import.meta.filename)
  scope.defer(() => worker.terminate())
  const [port] = await once(worker, 'message')
  const url = `http://127.0.0.1:${port}`
  return { url, pouringSockets: async () => Number((await call(`${url}/pouring-count`)).text) }
}

/** Answers the port. */
async function serve(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.setEncoding('latin1').on('data', (text: string) => {
      const name = /^[A-Z]+ \/(?:v1\/)?([a-z0-9-]+)[? ]/.exec(text)?.[1] ?? ''
      const misbehave = behaviours[name]
      if (misbehave) misbehave(socket)
      else if (name === 'pouring-count') socket.end(`${okHead}Connection: close\r\n\r\n${pouring.size}`)
      else socket.write(goodAnswer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Writes `part` again and again while it is taken; paced, because ordinary calls are answered from the same thread. */
function pump(socket: Socket, head: string, part: string): void {
  socket.write(head)
  pouring.add(socket)
  const timer = setInterval(() => {
    if (!socket.writableNeedDrain) socket.write(part)
  }, pumpMs)
  socket.once('close', () => {
    clearInterval(timer)
    pouring.delete(socket)
  })
}
