// Cutting pictures out of JSON must read what JSON.parse reads, however the JSON is spelt.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '@sallyport/contract'
import fc from 'fast-check'
import { readFrameJson } from './frame-json.ts'

const bytesMax = 1000

/** The same by JSON.parse and Buffer alone: every picture in order, or null for what must be refused. */
function readPlainly(body: string): Buffer[] | null {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return null
  }
  const order = value as { frames?: unknown } | null
  const holders: unknown[] = Array.isArray(order?.frames) ? order.frames : [order]
  const pictures: Buffer[] = []
  for (const holder of holders) {
    if (typeof holder !== 'object' || holder === null || !Object.hasOwn(holder, 'frame_data')) continue
    const { frame_data: data } = holder as { frame_data: unknown }
    if (typeof data !== 'string') continue
    const picture = Buffer.from(data, 'base64')
    if (data === '' || picture.toString('base64').length !== data.length || !/^[A-Za-z0-9+/]+=*$/.test(data))
      return null
    pictures.push(picture)
  }
  return pictures
}

function read(body: string): Buffer[] | null {
  try {
    return readFrameJson(Buffer.from(body), bytesMax).pictures
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'malformed_request', String(error))
    return null
  }
}

const base64 = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => Buffer.from(bytes).toString('base64'))
const broken = fc.constantFrom(
  '',
  'A',
  'AA',
  'AA=',
  'A\\nAA',
  'AAA\\"',
  '=AAA',
  'AA==AAAA',
  'é123',
  '-_-_',
  'AAAA\\/AAA',
  '\\u0041AAA',
  '"',
)
const data = fc.oneof(
  { weight: 6, arbitrary: base64 },
  { weight: 1, arbitrary: base64.map((text) => text.replaceAll('/', '\\/')) },
  { weight: 1, arbitrary: broken },
)
const key = fc.constantFrom(
  '"frame_data"',
  '"frame_data" ',
  '"frame\\u005fdata"',
  '"frame_count"',
  '"camera_id"',
  '"x\\"frame_data"',
)
const space = fc.constantFrom('', '', ' ', '\n', '\t ')
const value = fc.oneof(
  { weight: 5, arbitrary: data.map((text) => `"${text}"`) },
  { weight: 1, arbitrary: fc.constantFrom('7', 'null', '"frame_data"', '{"frame_data":"AAAA"}', '[]') },
)
const member = fc
  .tuple(key, space, space, value)
  .map(([name, before, between, text]) => `${before}${name}:${between}${text}`)
const holder = fc.array(member, { maxLength: 3 }).map((members) => `{${members.join(',')}}`)
const body = fc.oneof(
  holder,
  fc
    .tuple(fc.array(holder, { maxLength: 4 }), fc.option(member))
    .map(([list, extra]) => `{${extra ? `${extra},` : ''}"frames":[${list.join(',')}]}`),
  holder.map((text) => text.slice(0, -1)),
)

test('whatever the spelling, the pictures are those of JSON.parse, or both refuse', () => {
  fc.assert(
    fc.property(body, (text) => {
      assert.deepEqual(read(text), readPlainly(text), text)
    }),
    { numRuns: 3000 },
  )
})

test('a picture over the limit is too large, before it is decoded', () => {
  const read = (bytes: number) => () =>
    readFrameJson(
      Buffer.from(JSON.stringify({ frame_data: Buffer.alloc(bytes).toString('base64') })),
      bytesMax,
    )
  assert.throws(read(bytesMax + 10), (error) => error instanceof AppError && error.code === 'body_too_large')
  assert.equal(read(bytesMax)().pictures[0]?.length, bytesMax)
})
