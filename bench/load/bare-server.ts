// What Node itself can give on the work of a figure, with no checks at all: not a design, only the ceiling that the figure is told beside.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

type Settings = { port: number; upstreamUrl: string | null }

const { port, upstreamUrl } = JSON.parse(process.argv[2] ?? '{}') as Settings
const pool = upstreamUrl === null ? null : new Pool(upstreamUrl, { pipelining: 1 })

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    if (body.length === 0) response.end()
    else if (pool) forward(pool, request, body, response)
    else takeFrame(body, response)
  })
}).listen(port, '127.0.0.1')

function forward(upstream: Pool, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const answer: Buffer[] = []
  const headers = ['content-type', 'application/json', 'authorization', request.headers.authorization ?? '']
  upstream.dispatch(
    { path: request.url ?? '/', method: 'POST', headers, body },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, status) => void response.writeHead(status),
      onResponseData: (_controller, chunk) => void answer.push(chunk),
      onResponseEnd: () => void response.end(Buffer.concat(answer)),
      onResponseError: (_controller, error) => void response.destroy(error),
    },
  )
}

function takeFrame(body: Buffer, response: ServerResponse): void {
  const { frame_data: data } = JSON.parse(body.toString()) as { frame_data: string }
  if (Buffer.from(data, 'base64').length === 0) throw new Error('nothing was decoded')
  response.setHeader('content-type', 'application/json').end('{"status":"buffered"}')
}
