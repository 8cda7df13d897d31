// The client hangs up, or the upstream breaks off, at every byte of an answer: one event each, of the amount that docs/metering.md says.
import assert from 'node:assert/strict'
import { type RequestListener, request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import type { CallOutcome } from '../usage/usage.ts'
import { apiKey, sharedKey, startProviders, type TestGateway } from './test-support.ts'

/** One piece of an answer: the text in it, and the usage in it with the counts that it tells. */
type Piece = {
  body: string
  text?: string
  usage?: string
  tells?: { in?: number; out?: number; cached?: number }
}
type Answer = {
  name: string
  path: string
  contentType: string
  ask: object
  pieces: Piece[]
  endMark?: string
}

const event = (data: object, name = '') => `${name && `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`
const stream = 'text/event-stream'
const question = 'Where is the key that I left?'
const inputLowerBound = Math.ceil(question.length / 6)
const [first, second] = ['The key stays ', 'inside, as it always did.']

const chatUsage = { prompt_tokens: 9, completion_tokens: 40, prompt_tokens_details: { cached_tokens: 3 } }
const chatTold = { usage: JSON.stringify(chatUsage), tells: { in: 9, out: 40, cached: 3 } }
const chatPiece = (text: string) => ({ body: event({ choices: [{ delta: { content: text } }] }), text })
const responseUsage = { input_tokens: 9, output_tokens: 40 }
const responsePiece = (delta: string) => ({
  body: event({ type: 'response.output_text.delta', delta }, 'response.output_text.delta'),
  text: delta,
})
const messageStart = { input_tokens: 5, cache_read_input_tokens: 4, output_tokens: 1 }
const messagePiece = (text: string) => ({
  body: event({ type: 'content_block_delta', delta: { text } }, 'content_block_delta'),
  text,
})
const contentPiece = (text: string, usageMetadata: object, out: number) => ({
  body: event({ candidates: [{ content: { parts: [{ text }] } }], usageMetadata }),
  ...{ text, usage: JSON.stringify(usageMetadata), tells: { in: 9, out } },
})

const messages = [{ role: 'user', content: question }]
const chat = { path: '/proxy/openai/v1/chat/completions', ask: { model: 'm', messages } }
const answers: Answer[] = [
  {
    ...chat,
    ...{ name: 'a chat completion', contentType: 'application/json' },
    pieces: [
      {
        body: JSON.stringify({ choices: [{ message: { content: second } }], usage: chatUsage, x: 1 }),
        ...{ text: second, ...chatTold },
      },
    ],
  },
  {
    ...{ name: 'a chat stream', path: chat.path, contentType: stream },
    ask: { ...chat.ask, stream: true, stream_options: { include_usage: true } },
    pieces: [
      chatPiece(first),
      chatPiece(second),
      { body: event({ choices: [], usage: chatUsage }), ...chatTold },
      { body: 'data: [DONE]\n\n' },
    ],
    endMark: 'data: [DONE]\n',
  },
  {
    ...{ name: 'a stream of a response', path: '/proxy/openai/v1/responses', contentType: stream },
    ask: { model: 'm', input: question, stream: true },
    pieces: [
      responsePiece(first),
      responsePiece(second),
      {
        body: event({ type: 'response.completed', response: { usage: responseUsage } }),
        ...{ usage: JSON.stringify(responseUsage), tells: { in: 9, out: 40 } },
      },
    ],
    endMark: `${JSON.stringify({ usage: responseUsage })}}`,
  },
  {
    ...{ name: 'a stream of a message', path: '/proxy/anthropic/v1/messages', contentType: stream },
    ask: { model: 'm', max_tokens: 100, messages, stream: true },
    pieces: [
      {
        body: event({ type: 'message_start', message: { usage: messageStart } }),
        ...{ usage: JSON.stringify(messageStart), tells: { in: 9, out: 1, cached: 4 } },
      },
      messagePiece(first),
      messagePiece(second),
      {
        body: event({ type: 'message_delta', usage: { output_tokens: 40 } }),
        ...{ usage: '{"output_tokens":40}', tells: { out: 40 } },
      },
      { body: event({ type: 'message_stop' }) },
    ],
    endMark: '{"type":"message_stop"}',
  },
  {
    ...{ name: 'a stream of content', contentType: stream },
    path: '/proxy/gemini/v1beta/models/m:streamGenerateContent?alt=sse',
    ask: { contents: [{ parts: [{ text: question }] }] },
    pieces: [
      contentPiece(first, { promptTokenCount: 9 }, 0),
      contentPiece(second, { promptTokenCount: 9, candidatesTokenCount: 30, thoughtsTokenCount: 10 }, 40),
    ],
  },
]

/** What the policy says of an answer of which so many bytes have passed; nothing here is of the readers. */
function judge({ pieces, endMark }: Answer, passed: number, isEnded: boolean): Omit<CallOutcome, 'bytesIn'> {
  const told: { in?: number; out?: number; cached?: number } = {}
  let [start, textBytes, textBytesTold] = [0, 0, 0]
  for (const { body, text = '', usage, tells } of pieces) {
    const seen = passed - start
    start += body.length
    textBytes += Math.min(Math.max(seen - body.indexOf(text), 0), text.length)
    if (usage === undefined || seen < body.indexOf(usage) + usage.length) continue
    Object.assign(told, tells)
    textBytesTold = textBytes
  }
  const whole = pieces.map(({ body }) => body).join('')
  const endsAt = endMark === undefined ? Number.POSITIVE_INFINITY : whole.indexOf(endMark) + endMark.length
  const isWhole = isEnded || passed >= endsAt
  const isOutTold = told.out !== undefined && textBytes === textBytesTold
  const isEstimated = told.in === undefined || !isOutTold
  return {
    ...{ status: 200, bytesOut: passed, model: null },
    tokens: {
      tokensIn: told.in ?? inputLowerBound,
      tokensOut: isOutTold ? (told.out ?? 0) : Math.max(told.out ?? 0, Math.ceil(textBytes / 6)),
      tokensCached: told.cached ?? 0,
    },
    flags: [...(isWhole ? [] : ['aborted' as const]), ...(isEstimated ? ['estimated' as const] : [])],
  }
}

/** Sends as many bytes of an answer as the call's `user` says, and then waits or ends its connection. */
const upstream: RequestListener = async (incoming, response) => {
  const { user } = JSON.parse(await readText(incoming)) as { user: string }
  const [index, passed, ending] = user.split(' ')
  const answer = answers[Number(index)]
  assert.ok(answer)
  const body = answer.pieces.map((piece) => piece.body).join('')
  const isJson = answer.contentType !== stream
  response.writeHead(200, {
    'content-type': answer.contentType,
    ...(isJson ? { 'content-length': body.length } : {}),
  })
  response.flushHeaders()
  const part = body.slice(0, Number(passed))
  if (part !== '') response.write(part)
  if (ending === 'break') response.socket?.end()
}

/** One call; the client leaves when it has got `passed` bytes. Resolves with what the meter was told. */
async function callAndEnd(gateway: TestGateway, index: number, passed: number, ending: 'leave' | 'break') {
  const { path, ask } = answers[index] ?? assert.fail()
  const id = await new Promise<string>((resolve, reject) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const outgoing = request(gateway.url + path, { method: 'POST', agent: false, headers })
    outgoing.once('error', reject)
    outgoing.once('response', (answer) => {
      let bytes = 0
      const requestId = String(answer.headers['x-request-id'])
      const look = () => {
        if (ending === 'leave' && bytes === passed) outgoing.destroy()
      }
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        look()
      })
      answer.on('error', () => undefined)
      answer.once('close', () => {
        assert.equal(bytes, passed)
        resolve(requestId)
      })
      look()
    })
    outgoing.end(JSON.stringify({ ...ask, user: `${index} ${passed} ${ending}` }))
  })
  return gateway.settled(id)
}

const callsAtOnce = 16

for (const [index, answer] of answers.entries()) {
  const length = answer.pieces.reduce((sum, { body }) => sum + body.length, 0)
  describe(`${answer.name}, of ${length} bytes`, () => {
    for (const ending of ['leave', 'break'] as const) {
      test(`${ending === 'leave' ? 'the client hangs up' : 'the upstream breaks off'} at every byte`, async (t) => {
        const keys = { 'shared:openai': sharedKey, 'shared:anthropic': sharedKey, 'shared:gemini': sharedKey }
        const { gateway } = await startProviders(t, { keys, listener: upstream })
        let next = 0
        const work = async () => {
          while (next <= length) {
            const passed = next++
            const outcomes = await callAndEnd(gateway, index, passed, ending)
            assert.equal(outcomes.length, 1, `${outcomes.length} events at ${passed}`)
            const [outcome] = outcomes
            assert.ok(outcome !== undefined && outcome !== 'cancelled')
            const { bytesIn, ...rest } = outcome
            assert.ok(bytesIn > 0)
            const isEnded = answer.contentType !== stream && passed === length
            assert.deepEqual(rest, judge(answer, passed, isEnded), `at byte ${passed}`)
          }
        }
        await Promise.all(Array.from({ length: callsAtOnce }, work))
        assert.equal(gateway.metered.length, length + 1)
        assert.ok(gateway.metered.every(({ outcomes }) => outcomes.length === 1))
      })
    }
  })
}
