// OpenAI's usage chunk: asked for where the caller did not, and taken out again byte for byte.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { chatStream } from './test-support.ts'
import { askForUsage, UsageChunkFilter } from './usage-chunk.ts'

function filterInPieces(body: Buffer, lengths: readonly number[]): Buffer {
  const filter = new UsageChunkFilter()
  const parts: Buffer[] = []
  for (let from = 0, turn = 0; from < body.length; turn++) {
    const to = from + (lengths[turn % lengths.length] ?? 1)
    const piece = Buffer.from(body.subarray(from, to))
    parts.push(Buffer.from(filter.pass(piece)))
    piece.fill(0)
    from = to
  }
  return Buffer.concat([...parts, filter.end()])
}

describe('the filter', () => {
  const [before, usageChunk, after] = chatStream
  for (const lineEnd of ['\n', '\r\n', '\r']) {
    const toBytes = (text: string) => Buffer.from(text.replaceAll('\n', lineEnd))
    test(`takes out the usage chunk and nothing else, lines ending in ${JSON.stringify(lineEnd)}`, () => {
      const comment =
        ': "choices":[] "usage":{}\n\nevent: x\ndata: {"choices":[],"prompt_filter_results":[]}\n\n'
      const body = toBytes(comment + before + usageChunk + after)
      const expected = toBytes(comment + before + after).toString()
      for (let length = 1; length < 200; length++)
        assert.equal(filterInPieces(body, [length]).toString(), expected)
      const pieces = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 })
      fc.assert(
        fc.property(pieces, (lengths) => assert.equal(filterInPieces(body, lengths).toString(), expected)),
      )
    })
  }

  test('a stream without a usage chunk passes byte for byte, whatever it holds', () => {
    const part = fc.constantFrom(
      'data:',
      'data: {"choices":[]',
      '\n',
      '\r',
      '\r\n',
      '{}',
      '\0',
      '"usage":1',
      'é',
    )
    const bodies = fc.array(part, { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')))
    const pieces = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(bodies, pieces, (body, lengths) =>
        assert.equal(filterInPieces(body, lengths).toString('latin1'), body.toString('latin1')),
      ),
    )
  })

  test('holds nothing but the beginning of a line of data', () => {
    const filter = new UsageChunkFilter()
    assert.equal(filter.pass(Buffer.from(': keep')).toString(), ': keep')
    assert.equal(filter.pass(Buffer.from('alive\n\ndata: {"a"')).toString(), 'alive\n\n')
    assert.equal(filter.pass(Buffer.from(':1}\n')).toString(), 'data: {"a":1}\n')
    const long = `data: ${'x'.repeat(20_000)}`
    assert.equal(filter.pass(Buffer.from(long)).toString(), long)
    assert.equal(filter.pass(Buffer.from('y\ndata: z')).toString(), 'y\n')
    assert.equal(filter.end().toString(), 'data: z')
  })
})

describe('asking for usage', () => {
  test('only on a stream whose caller did not ask', () => {
    const asked = { stream: true, stream_options: { include_usage: true } }
    assert.deepEqual(askForUsage({ stream: true }), asked)
    assert.deepEqual(askForUsage({ stream: true, stream_options: null }), asked)
    assert.deepEqual(askForUsage({ stream: true, stream_options: { include_usage: false } }), asked)
    assert.deepEqual(askForUsage({ stream: true, stream_options: { include_obfuscation: false } }), {
      stream: true,
      stream_options: { include_obfuscation: false, include_usage: true },
    })
    for (const body of [{}, { stream: false }, asked, { stream: true, stream_options: 'x' }]) {
      assert.equal(askForUsage(body), null)
    }
  })
})
