// Upstream of the streaming figures: server-sent events at a steady pace for each stream, each with the time at which it left.
import { createServer, type ServerResponse } from 'node:http'

type Settings = { port: number; periodMs: number }

const { port, periodMs } = JSON.parse(process.argv[2] ?? '{}') as Settings
/** As long as an event of a chat completion is. */
const filler = 'x'.repeat(180)
/** Streams by the millisecond of the period at which they are due, so that they never all speak at once. */
const due: Set<ServerResponse>[] = Array.from({ length: periodMs }, () => new Set())
let opened = 0
let lastTick = Math.floor(performance.now())

createServer((request, response) => {
  request.resume()
  if (request.method !== 'POST') {
    response.end('ready')
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.flushHeaders()
  response.socket?.setNoDelay(true)
  // A step that shares no divisor with the period spreads neighbours far apart.
  const slot = due[(opened++ * 7919) % periodMs]
  slot?.add(response)
  response.once('close', () => slot?.delete(response))
}).listen(port, '127.0.0.1')

setInterval(() => {
  const now = Math.floor(performance.now())
  for (; lastTick < now; lastTick++) {
    for (const response of due[lastTick % periodMs] ?? []) {
      response.write(`data: {"sent":${process.hrtime.bigint()},"delta":"${filler}"}\n\n`)
    }
  }
}, 1)
