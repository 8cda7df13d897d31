// What Node itself can give on the work of a figure, with no checks at all: not a design, only the ceiling that the figure is told beside.
import { randomUUID } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

type Settings = {
  port: number
  upstreamUrl: string | null
  /** File that takes a line for each call: its body is then read and written anew, and the usage of its answer read. */
  journalPath: string | null
}

const { port, upstreamUrl, journalPath } = JSON.parse(process.argv[2] ?? '{}') as Settings
const journal = journalPath === null ? null : openSync(journalPath, 'a')
const pool = upstreamUrl === null ? null : new Pool(upstreamUrl, { pipelining: 1 })

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    if (body.length === 0) response.end()
    else if (pool && journal !== null) forward(pool, request, rewrite(body), response)
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
      onResponseEnd: () => {
        const whole = Buffer.concat(answer)
        if (journal !== null) writeDown(journal, request, whole)
        response.end(whole)
      },
      onResponseError: (_controller, error) => void response.destroy(error),
    },
  )
}

function rewrite(body: Buffer): Buffer {
  return Buffer.from(JSON.stringify({ ...JSON.parse(body.toString()), store: false }))
}

/** As many members as a usage event has. */
function writeDown(file: number, { method, url }: IncomingMessage, answer: Buffer): void {
  const { model, usage } = JSON.parse(answer.toString())
  const { prompt_tokens: tokensIn, completion_tokens: tokensOut } = usage
  const ids = { id: randomUUID(), request_id: randomUUID(), created_at: new Date().toISOString() }
  const called = { client_id: 1, credential: 'api_key:1', endpoint: url, provider: 'openai', model, method }
  const answered = { status: 200, duration_ms: 1, bytes_in: 200, bytes_out: answer.length }
  const tokens = { tokens_in: tokensIn, tokens_out: tokensOut, tokens_cached: 0 }
  const cost = { unit_price_micros: null, cost_micros: 10, provider_cost_micros: 10, flags: [] }
  writeSync(file, `${JSON.stringify({ ...ids, ...called, ...answered, ...tokens, ...cost })}\n`)
}

function takeFrame(body: Buffer, response: ServerResponse): void {
  const { frame_data: data } = JSON.parse(body.toString()) as { frame_data: string }
  if (Buffer.from(data, 'base64').length === 0) throw new Error('nothing was decoded')
  response.setHeader('content-type', 'application/json').end('{"status":"buffered"}')
}
