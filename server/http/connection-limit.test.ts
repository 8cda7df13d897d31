// Connections stay within what the machine grants, and whoever is turned away is told of in the log, but not line by line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { createConnectionLimit, readDescriptorLimit } from './connection-limit.ts'

function openLimit(descriptors: number | null) {
  const lines: { msg: string; count?: number; detail?: string }[] = []
  const clock = createManualClock()
  const destination = { write: (text: string) => lines.push(JSON.parse(text)) }
  const logger = createLogger({ format: 'json', level: 'debug', destination })
  return { limit: createConnectionLimit({ configuredMax: 40_000, descriptors, clock, logger }), lines, clock }
}

test('the configured number holds where descriptors are plenty or unknown', () => {
  for (const descriptors of [524_288, null]) {
    const { limit, lines } = openLimit(descriptors)
    assert.equal(limit.connectionsMax, 40_000)
    assert.deepEqual(lines, [])
  }
})

test('a machine that grants some thousands is held to them without a word', () => {
  const { limit, lines } = openLimit(20_000)
  assert.equal(limit.connectionsMax, 9952)
  assert.deepEqual(lines, [])
})

test('few descriptors leave room for upstream, database and journal, and the start says so', () => {
  const { limit, lines } = openLimit(256)
  assert.equal(limit.connectionsMax, 80)
  assert.match(lines[0]?.msg ?? '', /raise the limit of open files/)
  assert.match(lines[0]?.detail ?? '', /256 allow 80 client connections of 40000/)
  assert.equal(openLimit(20).limit.connectionsMax, 1)
})

test('connections turned away are counted in one line each ten seconds', () => {
  const { limit, lines, clock } = openLimit(null)
  for (let count = 0; count < 500; count++) limit.noteTurnedAway()
  clock.advance(10_000)
  clock.advance(10_000)
  limit.noteTurnedAway()
  assert.deepEqual(
    lines.map(({ count }) => count),
    [1, 499, 1],
  )
  limit.close()
})

test('the limit of this process is found on Linux', { skip: process.platform !== 'linux' }, () => {
  assert.ok(Number(readDescriptorLimit()) > 0)
})
