// A slow model API for tests: answers after a delay chosen at random, and writes down which key asked for which text.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { Scope } from './scope.ts'

/** `keys` are all places where a key may stand; exactly one is expected to be filled. */
export type Asked = { keys: readonly string[]; text: string }
export type KeyUpstream = { url: string; asked: Asked[]; inWorkMax(): number }

type Prompt = { contents: { parts: { text: string }[] }[] }

const delayMaxMs = 60
const piecesOfAnswer = 3

/** Answers generateContent and its stream as Gemini does, with the text that was asked; its characters are the tokens in. */
export async function startKeyUpstream(scope: Scope): Promise<KeyUpstream> {
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  const work = { now: 0, max: 0 }
  const server = createServer((request, response) => {
    work.max = Math.max(work.max, ++work.now)
    answer(request, response, asked)
      .catch(() => response.destroy())
      .finally(() => work.now--)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.defer(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, asked, inWorkMax: () => work.max }
}

async function answer(request: IncomingMessage, response: ServerResponse, asked: Asked[]): Promise<void> {
  const delay = () => pause(Math.random() * delayMaxMs)
  await delay()
  const { contents } = JSON.parse(await text(request)) as Prompt
  const prompt = contents[0]?.parts[0]?.text ?? ''
  asked.push({ keys: readKeys(request), text: prompt })
  const part = (value: string) => ({
    candidates: [{ content: { parts: [{ text: value }] } }],
    usageMetadata: { promptTokenCount: prompt.length, candidatesTokenCount: 1 },
  })
  await delay()
  if (!request.url?.includes(':streamGenerateContent')) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(part(prompt)))
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let piece = 0; piece < piecesOfAnswer; piece++) {
    response.write(`data: ${JSON.stringify(part(prompt))}\n\n`)
    await delay()
  }
  response.end()
}

function readKeys({ headersDistinct, url = '' }: IncomingMessage): string[] {
  const inHeaders = ['x-goog-api-key', 'x-api-key', 'authorization'].flatMap(
    (name) => headersDistinct[name] ?? [],
  )
  return [...inHeaders, ...new URL(url, 'http://upstream').searchParams.getAll('key')]
}
