// Typed texts become what the server takes, and nothing is bent into shape.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readEntries, readNumber } from './typed-text.ts'

test('a number is read where the text is one, else the text goes on as it is', () => {
  assert.deepEqual([' 60 ', '-1', '1.5'].map(readNumber), [60, -1, 1.5])
  assert.deepEqual(['', 'ten', '1e3', '0x10'].map(readNumber), ['', 'ten', '1e3', '0x10'])
})

test('entries stand on lines or between commas, blank ones are dropped, none is null', () => {
  assert.deepEqual(readEntries('gpt-4o\n\n gpt-4o-mini , o3\n'), ['gpt-4o', 'gpt-4o-mini', 'o3'])
  assert.equal(readEntries(' \n , '), null)
})
