// Readers: what each API tells is read, however the answer comes in pieces, whatever nonsense it holds.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type KnownAnswer, knownAnswers, openReader } from './test-support.ts'

const inputTextBytes = 60

/** The lengths of the pieces repeat. */
function readInPieces(answer: KnownAnswer, body: Buffer, lengths: readonly number[]) {
  const reader = openReader(answer)
  for (let from = 0, turn = 0; from < body.length; turn++) {
    const to = from + (lengths[turn % lengths.length] ?? 1)
    // A piece is wiped after it was read: nothing of it may be looked at later.
    const piece = Buffer.from(body.subarray(from, to))
    reader.push(piece)
    piece.fill(0)
    from = to
  }
  return { ...reader.result(inputTextBytes), isWhole: reader.isWhole() }
}

function read(answer: Omit<KnownAnswer, 'name' | 'tokens' | 'model'>) {
  const reader = openReader(answer)
  reader.push(Buffer.from(answer.body))
  return reader.result(inputTextBytes)
}

const chatCall = { format: 'openai', path: '/v1/chat/completions', contentType: 'application/json' } as const
const chat = (usage: string, rest = '') =>
  read({ ...chatCall, body: `{"choices":[{"message":{"content":"123456789012"}}],"usage":${usage}${rest}}` })

for (const answer of knownAnswers) {
  describe(answer.name, () => {
    const body = Buffer.from(answer.body)

    test('its usage is read exactly', () => {
      const { tokens, model, isEstimated, isBounded } = readInPieces(answer, body, [body.length])
      assert.deepEqual(tokens, answer.tokens)
      assert.deepEqual([model, isEstimated, isBounded], [answer.model, false, false])
    })

    test('is read alike in any pieces', () => {
      const whole = readInPieces(answer, body, [body.length])
      for (const length of [1, 2, 3, 7]) assert.deepEqual(readInPieces(answer, body, [length]), whole)
      const pieces = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 })
      fc.assert(
        fc.property(pieces, (lengths) => assert.deepEqual(readInPieces(answer, body, lengths), whole)),
      )
    })

    test('cut anywhere, it is read alike in any pieces, and never counts more than was used', () => {
      const cut = fc.integer({ min: 0, max: body.length - 1 })
      const pieces = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 10 })
      fc.assert(
        fc.property(cut, pieces, (end, lengths) => {
          const part = body.subarray(0, end)
          const reading = readInPieces(answer, part, lengths)
          assert.deepEqual(reading, readInPieces(answer, part, [body.length]))
          assert.ok(reading.tokens.tokensOut <= answer.tokens.tokensOut)
        }),
      )
    })

    test('bytes in it that are anything break nothing', () => {
      const change = fc.record({ at: fc.nat(body.length - 1), bytes: fc.uint8Array({ maxLength: 8 }) })
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
          const broken = Buffer.from(body)
          for (const { at, bytes } of changes) broken.set(bytes.subarray(0, broken.length - at), at)
          const { tokens } = readInPieces(answer, broken, [13])
          for (const count of Object.values(tokens)) assert.ok(Number.isSafeInteger(count) && count >= 0)
        }),
      )
    })
  })
}

describe('what is reported', () => {
  test('an explicit zero stays zero, though text has passed', () => {
    const { tokens, isEstimated } = chat('{"prompt_tokens":0,"completion_tokens":0}')
    assert.deepEqual(tokens, { tokensIn: 0, tokensOut: 0, tokensCached: 0 })
    assert.equal(isEstimated, false)
  })

  const absurd: [string, string, number, boolean][] = [
    ['negative', '-5', 0, false],
    ['larger than any', '1e15', 100_000_000, false],
    ['beyond all numbers', '1e999', 100_000_000, false],
    ['broken', '2.7', 2, false],
    ['a number in a text', '"27"', 2, true],
    ['an object', '{}', 2, true],
    ['true', 'true', 2, true],
  ]
  for (const [what, value, tokensOut, isEstimated] of absurd) {
    test(`${what} is bounded and told`, () => {
      const reading = chat(`{"prompt_tokens":3,"completion_tokens":${value}}`)
      assert.deepEqual(reading.tokens, { tokensIn: 3, tokensOut, tokensCached: 0 })
      assert.deepEqual([reading.isBounded, reading.isEstimated], [true, isEstimated])
    })
  }

  test('more cached tokens than tokens are cut to those', () => {
    const reading = chat(
      '{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":9}}',
    )
    assert.deepEqual([reading.tokens.tokensCached, reading.isBounded], [3, true])
  })

  test('no usage, null or one that is no JSON: a lower bound of what passed', () => {
    for (const usage of ['null', '{"prompt_tokens":', '[]', '"x"', `{"x":"${'y'.repeat(20_000)}"}`]) {
      const { tokens, isEstimated } = chat(usage)
      assert.deepEqual(tokens, { tokensIn: 10, tokensOut: 2, tokensCached: 0 }, usage.slice(0, 20))
      assert.equal(isEstimated, true)
    }
  })

  test('the last one of two counts, and none within choices or texts', () => {
    const usage = '{"prompt_tokens":1,"completion_tokens":1}'
    const last =
      ',"usage":{"prompt_tokens":7,"completion_tokens":8},"x":{"usage":{"prompt_tokens":99}},"y":[{"usage":3}]'
    assert.deepEqual(chat(usage, last).tokens, { tokensIn: 7, tokensOut: 8, tokensCached: 0 })
  })

  test('text that passed after the last report counts as a lower bound', () => {
    const part = (content: string, usage: object) =>
      `data: ${JSON.stringify({ choices: [{ delta: { content } }], usage })}\n\n`
    const body =
      part('a', { prompt_tokens: 4, completion_tokens: 1 }) +
      'data: {"choices":[{"delta":{"content":"123456789012345678'
    const { tokens, isEstimated } = read({ ...chatCall, contentType: 'text/event-stream', body })
    assert.deepEqual(tokens, { tokensIn: 4, tokensOut: 4, tokensCached: 0 })
    assert.equal(isEstimated, true)
  })
})

describe('lines', () => {
  for (const lineEnd of ['\n', '\r\n', '\r']) {
    test(`that end in ${JSON.stringify(lineEnd)} are told apart`, () => {
      const body =
        ': hi\n\nid: 1\ndata:{"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\ndata: [DONE]\n\n'
      const answer = { ...chatCall, contentType: 'text/event-stream', body: body.replaceAll('\n', lineEnd) }
      assert.deepEqual(read(answer).tokens, { tokensIn: 1, tokensOut: 2, tokensCached: 0 })
    })
  }

  test('one without an end keeps memory bounded and is passed over', () => {
    const reader = openReader({ ...chatCall, contentType: 'text/event-stream' })
    const piece = Buffer.alloc(64 * 1024, '{"usage":"aaaaaaaaaaaaaaa[[[[')
    reader.push(Buffer.from('data: '))
    const before = process.memoryUsage().heapUsed
    for (let times = 0; times < 500; times++) reader.push(piece)
    assert.ok(process.memoryUsage().heapUsed - before < 24 * 1024 * 1024)
    assert.equal(reader.result(0).isEstimated, true)
  })
})

test('the end mark, or the event that is the last one, makes an answer whole', () => {
  const streams = knownAnswers.filter(({ contentType }) => contentType.startsWith('text/'))
  for (const answer of streams) {
    const reader = openReader(answer)
    const body = Buffer.from(answer.body)
    reader.push(body.subarray(0, -3))
    assert.equal(reader.isWhole(), false, answer.name)
    reader.push(body.subarray(-3))
    // A stream of Gemini has no mark of its end.
    assert.equal(reader.isWhole(), answer.format !== 'gemini', answer.name)
  }
})
