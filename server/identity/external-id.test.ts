// External ids made from names: always one that the contract takes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { externalId } from '@sallyport/contract'
import fc from 'fast-check'
import { deriveExternalId } from './external-id.ts'

test('a name becomes a slug that people recognise', () => {
  const table: [string, string][] = [
    ['Acme Corporation', 'acme-corporation'],
    ['  Électricité de Façade, S.A. ', 'electricite-de-facade-s-a'],
    ['Urban_Jungle 24/7', 'urban-jungle-24-7'],
    ['株式会社', 'client'],
    ['---', 'client'],
  ]
  for (const [name, slug] of table) assert.equal(deriveExternalId(name, 1), slug)
  assert.equal(deriveExternalId('Acme', 2), 'acme-2')
})

test('whatever the name is, the contract takes the slug of every attempt, and each attempt is another one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }), (name) => {
      const slugs = [1, 2, 10, 1000].map((attempt) => deriveExternalId(name, attempt))
      for (const slug of slugs) assert.equal(externalId.safeParse(slug).success, true, slug)
      assert.equal(new Set(slugs).size, slugs.length)
    }),
  )
})
