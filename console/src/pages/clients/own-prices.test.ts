// A client's own prices stand beside the usual ones, go through the form unchanged, and are taken away when emptied.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAmounts } from '../../composables/money.ts'
import { ownPriceRows, pricesOf, toPriceDraft } from './own-prices.ts'

const endpoints = [
  { endpoint: '/api/alert', price_micros: 100_000 },
  { endpoint: '/api/video/buffer', price_micros: 10_000 },
]

test('every priced endpoint has a row, and so has one that only the client has a price of', () => {
  assert.deepEqual(ownPriceRows(endpoints, { '/api/alert': 0, '/api/old': 5 }), [
    { id: '/api/alert', usualMicros: 100_000, ownMicros: 0 },
    { id: '/api/video/buffer', usualMicros: 10_000, ownMicros: null },
    { id: '/api/old', usualMicros: 0, ownMicros: 5 },
  ])
  assert.equal(ownPriceRows(endpoints, null).length, 2)
})

test('what is set is sent back the same, free of charge included; nothing left is none', () => {
  const draft = toPriceDraft(ownPriceRows(endpoints, { '/api/alert': 0 }))
  assert.deepEqual(draft, { '/api/alert': '0.00', '/api/video/buffer': '' })
  assert.deepEqual(pricesOf(readAmounts(draft).amounts), { '/api/alert': 0 })
  assert.equal(pricesOf({ '/api/alert': null }), null)
})
