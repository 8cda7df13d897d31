// Frame buffers: 250 of a camera, the last 75 of them, nothing of another client ever seen, counted or pushed out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '@sallyport/contract'
import fc from 'fast-check'
import { createManualClock } from '../lib/clock.ts'
import { createFrameBuffers, type FrameBufferLimits } from './frame-buffers.ts'
import type { CameraKey, NewFrame } from './video-types.ts'

const length = { longFrames: 250, shortFrames: 75 }
const roomy: FrameBufferLimits = { bytesMax: 2 ** 30, clientBytesMax: 2 ** 29, idleMs: 300_000 }
const door = { clientId: 1, cameraId: 'door' }

/** Opens with the name of its owner, so that a stray frame shows. */
function picture({ clientId, cameraId }: CameraKey, number: number, bytes = 32): NewFrame {
  const jpeg = Buffer.alloc(Math.max(bytes, 24))
  jpeg.write(`${clientId}/${cameraId}/${number}`)
  return { jpeg, frameCount: number, timestampMs: null }
}
const numbersOf = (frames: readonly { frameCount: number }[]) => frames.map(({ frameCount }) => frameCount)
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index)

function open(t: { after(close: () => void): void }, limits: Partial<FrameBufferLimits> = {}) {
  const clock = createManualClock()
  const buffers = createFrameBuffers({ ...roomy, ...limits }, clock)
  t.after(buffers.close)
  return { clock, buffers }
}

test('250 frames are kept, the 251st drops the first, and the short buffer is the last 75', (t) => {
  const { buffers } = open(t)
  for (const number of range(1, 250)) {
    assert.deepEqual(buffers.add(door, length, [picture(door, number)]), {
      bufferSize: number,
      lastFrameCount: number,
    })
  }
  assert.deepEqual(numbersOf(buffers.all(door)), range(1, 250))
  assert.deepEqual(buffers.add(door, length, [picture(door, 251)]), { bufferSize: 250, lastFrameCount: 251 })
  assert.deepEqual(numbersOf(buffers.all(door)), range(2, 251))
  assert.deepEqual(numbersOf(buffers.last(door, length.shortFrames)), range(177, 251))
  assert.deepEqual(buffers.totals(), { clients: 1, frames: 250, bytes: 250 * 32 })
})

test('a batch of more frames than are kept leaves the last ones', (t) => {
  const { buffers } = open(t)
  const added = buffers.add(
    door,
    { longFrames: 10, shortFrames: 3 },
    range(1, 25).map((number) => picture(door, number)),
  )
  assert.deepEqual(added, { bufferSize: 10, lastFrameCount: 25 })
  assert.deepEqual(numbersOf(buffers.all(door)), range(16, 25))
})

test('two clients with three cameras each, interleaved at random: no frame, count or byte of another is ever seen', (t) => {
  const cameras = [1, 2].flatMap((clientId) =>
    ['a', 'b', 'default'].map((cameraId) => ({ clientId, cameraId })),
  )
  const step = fc.record({
    camera: fc.constantFrom(...cameras),
    bytes: fc.integer({ min: 24, max: 90 }),
    frames: fc.integer({ min: 1, max: 9 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const { buffers } = open({ after: () => undefined })
      t.after(buffers.close)
      const expected = new Map(cameras.map((camera) => [camera, [] as NewFrame[]]))
      let number = 0
      for (const { camera, bytes, frames } of steps) {
        const batch = range(1, frames).map(() => picture(camera, ++number, bytes))
        const kept = [...(expected.get(camera) ?? []), ...batch].slice(-40)
        expected.set(camera, kept)
        const added = buffers.add(camera, { longFrames: 40, shortFrames: 12 }, batch)
        assert.deepEqual(added, { bufferSize: kept.length, lastFrameCount: number })
        for (const other of cameras) {
          const own = expected.get(other) ?? []
          assert.deepEqual(
            buffers.all(other).map(({ jpeg }) => jpeg),
            own.map(({ jpeg }) => jpeg),
          )
          assert.equal(
            buffers.state(other)?.bytes ?? 0,
            own.reduce((sum, { jpeg }) => sum + jpeg.length, 0),
          )
          assert.deepEqual(
            numbersOf(buffers.last(other, 12)),
            own.slice(-12).map(({ frameCount }) => frameCount),
          )
        }
        for (const clientId of [1, 2]) {
          const names = buffers.list(clientId).map(({ cameraId, frames }) => `${cameraId} ${frames}`)
          const wanted = cameras.filter(
            (key) => key.clientId === clientId && (expected.get(key)?.length ?? 0) > 0,
          )
          assert.deepEqual(
            names.sort(),
            wanted.map((key) => `${key.cameraId} ${expected.get(key)?.length}`).sort(),
          )
        }
      }
    }),
    { numRuns: 40 },
  )
})

test('a client over its bytes gives up its own oldest frames, of its largest camera first', (t) => {
  const { buffers } = open(t, { clientBytesMax: 1000 })
  const hall = { clientId: 1, cameraId: 'hall' }
  buffers.add(hall, length, [picture(hall, 1, 100)])
  for (const number of range(1, 30)) buffers.add(door, length, [picture(door, number, 100)])
  assert.deepEqual(numbersOf(buffers.all(hall)), [1])
  assert.deepEqual(numbersOf(buffers.all(door)), range(22, 30))
  const refused = buffers.add(door, length, [picture(door, 31, 1001)])
  assert.ok(refused instanceof AppError && refused.code === 'body_too_large')
  assert.equal(buffers.totals().bytes, 1000)
})

test('the flood of one client takes nothing of another, leaves room for a third, and stays under the cap', (t) => {
  const { buffers } = open(t, { bytesMax: 10_000, clientBytesMax: 10_000 })
  const victim = { clientId: 2, cameraId: 'door' }
  for (const number of range(1, 30)) buffers.add(victim, length, [picture(victim, number, 100)])
  for (const number of range(1, 500)) {
    const flooding = { clientId: 1, cameraId: `camera${number % 7}` }
    buffers.add(flooding, length, [picture(flooding, number, 90 + (number % 40))])
    assert.ok(buffers.totals().bytes <= 10_000)
    assert.equal(buffers.all(victim).length, 30)
  }
  const third = { clientId: 3, cameraId: 'door' }
  for (const number of range(1, 25)) {
    const added = buffers.add(third, length, [picture(third, number, 100)])
    assert.ok(!(added instanceof AppError) && added.bufferSize === number)
  }
  assert.equal(buffers.all(victim).length, 30)
})

test('floods of any clients, cameras and sizes never pass the cap, and never take a frame of whoever is silent', (t) => {
  const step = fc.record({
    clientId: fc.integer({ min: 1, max: 5 }),
    camera: fc.integer({ min: 1, max: 3 }),
    bytes: fc.integer({ min: 24, max: 3000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 300 }), (steps) => {
      const { buffers } = open({ after: () => undefined }, { bytesMax: 10_000, clientBytesMax: 6000 })
      t.after(buffers.close)
      for (const [index, { clientId, camera, bytes }] of steps.entries()) {
        const before = range(1, 5).map((id) => JSON.stringify(buffers.list(id)))
        const key = { clientId, cameraId: `camera${camera}` }
        const added = buffers.add(key, length, [picture(key, index + 1, bytes)])
        assert.ok(added instanceof AppError || buffers.all(key).at(-1)?.frameCount === index + 1)
        assert.ok(buffers.totals().bytes <= 10_000)
        for (const id of range(1, 5)) {
          const states = buffers.list(id)
          assert.ok(states.reduce((sum, state) => sum + state.bytes, 0) <= 6000)
          if (id !== clientId || added instanceof AppError)
            assert.equal(JSON.stringify(states), before[id - 1])
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('where others hold all there is, a client without frames is refused and nothing changes', (t) => {
  const { buffers } = open(t, { bytesMax: 1000, clientBytesMax: 1000 })
  const other = { clientId: 2, cameraId: 'door' }
  for (const number of range(1, 9)) buffers.add(door, length, [picture(door, number, 100)])
  buffers.add(other, length, [picture(other, 1, 300)])
  const refused = buffers.add({ clientId: 3, cameraId: 'door' }, length, [picture(door, 1, 400)])
  assert.ok(refused instanceof AppError && refused.code === 'overloaded' && refused.retryAfterSeconds === 1)
  assert.deepEqual(buffers.totals(), { clients: 2, frames: 6, bytes: 800 })
})

test('frames out of order or from the future are refused and the buffer is unharmed', (t) => {
  const { buffers, clock } = open(t)
  const now = clock.now()
  const at = (timestampMs: number | null, frameCount: number | null) => ({
    ...picture(door, 1),
    timestampMs,
    frameCount,
  })
  buffers.add(door, length, [at(now, 5)])
  const bad: [frames: NewFrame[], says: RegExp][] = [
    [[at(now - 1, 6)], /^timestamp: is before/],
    [[at(now + 60_001, 6)], /^timestamp: lies in the future/],
    [[at(null, 4)], /^frame_count: is below/],
    [[at(now + 1, 6), at(now, 7)], /^frames\.1\.timestamp: is before/],
    [[at(null, 6), at(null, 5)], /^frames\.1\.frame_count: is below/],
  ]
  for (const [frames, says] of bad) {
    const refused = buffers.add(door, length, frames)
    assert.ok(refused instanceof AppError && refused.status === 400)
    assert.match(refused.message, says)
  }
  assert.deepEqual(buffers.totals(), { clients: 1, frames: 1, bytes: 32 })
  for (const good of [at(now, 5), at(now + 60_000, 4), at(null, 1), at(null, null)]) {
    assert.ok(!(buffers.add(door, length, [good]) instanceof AppError))
  }
  assert.deepEqual(numbersOf(buffers.all(door)), [5, 5, 4, 1, 5])
})

test('a camera that falls silent gives its frames up, and a client that goes leaves nothing', (t) => {
  const { buffers, clock } = open(t, { idleMs: 10_000 })
  const hall = { clientId: 1, cameraId: 'hall' }
  buffers.add(door, length, [picture(door, 1)])
  clock.advance(6000)
  buffers.add(hall, length, [picture(hall, 1)])
  clock.advance(5000)
  assert.deepEqual([buffers.state(door), buffers.state(hall)?.frames], [null, 1])
  buffers.removeClient(1)
  assert.deepEqual(buffers.totals(), { clients: 0, frames: 0, bytes: 0 })
})
