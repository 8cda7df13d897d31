// IBANs: right ones of several countries, every single wrong digit, wrong lengths.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIban, isIban } from './iban.ts'
import { iban } from './invoices.ts'

const right = [
  ...['DE89370400440532013000', 'GB29NWBK60161331926819', 'FR1420041010050500013M02606'],
  ...['NO9386011117947', 'MT84MALT011000012345MTLCAST001S', 'CH9300762011623852957'],
]

test('valid numbers are taken, however they are spaced', () => {
  for (const number of right) assert.ok(isIban(number), number)
  assert.equal(iban.parse('de89 3704 0044 0532 0130 00'), 'DE89370400440532013000')
  assert.equal(formatIban('DE89370400440532013000'), 'DE89 3704 0044 0532 0130 00')
})

test('one wrong digit or two that were swapped are found', () => {
  const [number = ''] = right
  for (let place = 2; place < number.length; place++) {
    const digit = Number(number[place])
    const wrong = `${number.slice(0, place)}${(digit + 1) % 10}${number.slice(place + 1)}`
    assert.ok(!isIban(wrong), wrong)
    const [left = '', next = ''] = [number[place], number[place + 1]]
    if (next === '' || left === next) continue
    const swapped = number.slice(0, place) + next + left + number.slice(place + 2)
    assert.ok(!isIban(swapped), swapped)
  }
})

test('a number with the length of another country, or no number at all, is refused', () => {
  for (const text of [
    'DE8937040044053201300',
    'DE893704004405320130000',
    'XX00',
    '',
    'DE89-3704',
    "DE'; --",
  ]) {
    assert.ok(!iban.safeParse(text).success, text)
  }
})
