// Amounts keep every millionth on their way through text, whatever their size and sign.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amountText, decimalOf, readAmounts, readMicros } from './money.ts'

test('an amount is written to the millionth, small, negative and beyond what a double holds in euros', () => {
  const texts = [0, 7, -7, 2_430_017, -2_430_000, 9_007_199_254_740_991].map(decimalOf)
  assert.deepEqual(texts, [
    ...['0.000000', '0.000007', '-0.000007', '2.430017'],
    ...['-2.430000', '9007199254.740991'],
  ])
})

test('a typed amount is read with point or comma; what is none is not guessed at', () => {
  const amounts = ['5', ' 5.00 ', '5,25', '0.000001', '0', '999999999.999999'].map(readMicros)
  assert.deepEqual(amounts, [5_000_000, 5_000_000, 5_250_000, 1, 0, 999_999_999_999_999])
  for (const text of ['', '-1', '1e3', '1.0000001', '1.', '.5', '5 EUR', '1 000', '1,000.00', '1234567890']) {
    assert.equal(readMicros(text), undefined, text)
  }
})

test('a field shows what it would read again', () => {
  for (const micros of [0, 1, 5_000_000, 5_250_000, 1_200_340, 12_345_678]) {
    assert.equal(readMicros(amountText(micros)), micros)
  }
  assert.deepEqual([5_000_000, 100, 1_200_340].map(amountText), ['5.00', '0.0001', '1.20034'])
})

test('an empty field is nothing, which is not zero; what is no amount is named', () => {
  const read = readAmounts({ a: '0', b: ' ', c: 'five', d: '-1', e: '5,00' })
  assert.deepEqual(read.amounts, { a: 0, b: null, c: null, d: null, e: 5_000_000 })
  assert.deepEqual(read.wrong, ['c', 'd'])
})
