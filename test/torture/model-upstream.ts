// A model API of the OpenAI kind that streams an answer with its usage for as long as the request's `seed` says in milliseconds.
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { Scope } from '../support/scope.ts'

export type ModelUpstream = { url: string; callsReceived(): number }

const model = 'gpt-4o-mini'
const usage = { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 }
const eventPeriodMs = 100

/** Body of a call that takes so long. */
export function chatBody(durationMs: number, stream: boolean): string {
  const messages = [{ role: 'user', content: 'Hello' }]
  return JSON.stringify({ model, messages, max_tokens: 16, seed: durationMs, stream })
}

export async function openModelUpstream(scope: Scope): Promise<ModelUpstream> {
  let calls = 0
  const server = createServer(async (request, response) => {
    calls++
    const { seed = 0, stream = false } = (await json(request)) as { seed?: number; stream?: boolean }
    if (stream) return streamAnswer(response, seed)
    setTimeout(() => sendAnswer(response), seed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.defer(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, callsReceived: () => calls }
}

function sendAnswer(response: ServerResponse): void {
  const choices = [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }]
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ id: 'c', object: 'chat.completion', created: 1, model, choices, usage }))
}

function streamAnswer(response: ServerResponse, durationMs: number): void {
  const startedMs = performance.now()
  const send = (choices: object[], more: object = {}) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model, choices, ...more })}\n\n`,
    )
  response.setHeader('content-type', 'text/event-stream')
  const timer = setInterval(
    () => {
      if (performance.now() - startedMs < durationMs) {
        return send([{ index: 0, delta: { content: 'Hi' }, finish_reason: null }])
      }
      clearInterval(timer)
      send([{ index: 0, delta: {}, finish_reason: 'stop' }])
      send([], { usage })
      response.end('data: [DONE]\n\n')
    },
    Math.min(eventPeriodMs, durationMs),
  )
  response.on('close', () => clearInterval(timer))
}
