// The queue of clips: clients in turn, one at a time of each, and never more pictures in memory than there is room for.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClipOrder, createClipQueue } from './clip-queue.ts'
import { pickKeyFrames } from './key-frames.ts'

const pictures = (count: number, bytes: number) =>
  Array.from({ length: count }, (_, index) => ({
    jpeg: Buffer.alloc(bytes),
    frameCount: index,
    timestampMs: index,
  }))

function open(options: { bytesMax?: number; clientBytesMax?: number; ordersMax?: number } = {}) {
  const begun: { order: ClipOrder; finish(): void }[] = []
  const queue = createClipQueue({
    ...{ bytesMax: 10_000, clientBytesMax: 5_000, ordersMax: 100, atOnce: 2, ...options },
    work: (order) => new Promise<void>((finish) => begun.push({ order, finish })),
  })
  const add = (clientId: number, alertId: string, count = 1, bytes = 10) =>
    queue.add({ clientId, alertId, cameraId: 'door', frames: pictures(count, bytes) })
  /** Ends the one that was begun first, and lets the queue begin the next. */
  const finish = async () => {
    begun.shift()?.finish()
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
  }
  return { queue, begun, add, finish, names: () => begun.map(({ order }) => order.alertId) }
}

test('a client with many alerts does not hold up the one with one', async () => {
  const { add, finish, names } = open()
  for (let index = 0; index < 5; index += 1) add(1, `flood-${index}`)
  add(2, 'other')
  assert.deepEqual(names(), ['flood-0', 'other'])
  await finish()
  assert.deepEqual(names(), ['other', 'flood-1'])
})

test('past the room of a client its alerts carry key frames, and another client still has its clip', () => {
  const { add, begun, queue } = open()
  add(1, 'a', 40, 100)
  add(1, 'b', 40, 100)
  add(2, 'c', 40, 100)
  assert.deepEqual(
    begun.map(({ order }) => [order.alertId, order.frames.length, order.isWhole]),
    [
      ['a', 40, true],
      ['c', 40, true],
    ],
  )
  for (const { finish } of begun) finish()
  return queue.close().then(([left]) => {
    assert.deepEqual([left?.alertId, left?.frames.length, left?.isWhole], ['b', 10, false])
  })
})

test('past all room an alert goes without pictures, and past the number of orders it is left to the job', async () => {
  const { add, queue, begun } = open({ bytesMax: 100, ordersMax: 4 })
  add(1, 'a', 1, 100)
  add(2, 'b', 1, 100)
  add(3, 'c', 1, 100)
  add(4, 'd', 1, 100)
  add(5, 'e', 1, 100)
  assert.deepEqual(
    begun.map(({ order }) => order.frames.length),
    [1, 0],
  )
  for (const { finish } of begun) finish()
  assert.deepEqual(
    (await queue.close()).map(({ alertId }) => alertId),
    ['c', 'd'],
  )
})

test('key frames are spread over the whole, and few when they are large', () => {
  const numbers = (count: number, bytes: number) =>
    pickKeyFrames(pictures(count, bytes)).map(({ frameCount }) => frameCount)
  assert.deepEqual(numbers(250, 1), [0, 28, 55, 83, 111, 138, 166, 194, 221, 249])
  assert.deepEqual(numbers(3, 1), [0, 1, 2])
  assert.deepEqual(numbers(10, 5 * 2 ** 20), [0, 9])
  assert.deepEqual(numbers(10, 14 * 2 ** 20), [9])
  assert.deepEqual(numbers(0, 1), [])
})
