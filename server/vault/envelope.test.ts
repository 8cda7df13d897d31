// Envelopes open in their own place only, and every altered byte shows.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '../lib/secret.ts'
import { createSealer, type Envelope, type Place } from './envelope.ts'

const newMasterKey = () => new Secret(randomBytes(32).toString('base64'))
const place: Place = { clientId: 7, provider: 'openai', version: 3 }

test('a record opens in its place and nowhere else', () => {
  const sealer = createSealer(newMasterKey(), [])
  const envelope = sealer.seal('sk-provider-key', place)
  assert.equal(sealer.open(envelope, place), 'sk-provider-key')
  const elsewhere: Place[] = [
    { ...place, clientId: 8 },
    { ...place, clientId: null },
    { ...place, provider: 'exa' },
    { ...place, version: 4 },
  ]
  for (const other of elsewhere) assert.equal(sealer.open(envelope, other), null, JSON.stringify(other))
})

test('every flipped byte is noticed', () => {
  const sealer = createSealer(newMasterKey(), [])
  const envelope = sealer.seal('sk-provider-key', place)
  for (const part of ['sealed', 'sealedDataKey'] as const) {
    for (let index = 0; index < envelope[part].length; index++) {
      const altered: Envelope = { ...envelope, [part]: Buffer.from(envelope[part]) }
      altered[part][index] = (altered[part][index] ?? 0) ^ 1
      assert.equal(sealer.open(altered, place), null, `${part} byte ${index}`)
    }
  }
})

test('a record moves to a new master key, after which the former one is not needed', () => {
  const [former, current] = [newMasterKey(), newMasterKey()]
  const envelope = createSealer(former, []).seal('sk-provider-key', place)
  assert.equal(createSealer(current, []).open(envelope, place), null)
  const between = createSealer(current, [former])
  assert.equal(between.open(envelope, place), 'sk-provider-key')
  const moved = between.reseal(envelope, place)
  assert.ok(moved)
  assert.equal(createSealer(current, []).open(moved, place), 'sk-provider-key')
  assert.equal(createSealer(former, []).open(moved, place), null)
})
