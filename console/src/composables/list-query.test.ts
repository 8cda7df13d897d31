// A list's query survives the way through the address bar.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readListQuery, writeListQuery } from './list-query.ts'

test('what is written is read back', () => {
  const list = { page: 3, pageSize: 50, filters: { q: 'sk-a', ip: '' } }
  const query = writeListQuery(list)
  assert.deepEqual(query, { q: 'sk-a', page: '3', page_size: '50' })
  assert.deepEqual(readListQuery(query, ['q', 'ip']), list)
})

test('the plain list has a plain address', () => {
  assert.deepEqual(writeListQuery({ page: 1, pageSize: 20, filters: { q: '  ' } }), {})
})

for (const page of ['0', '-1', '1.5', 'x', '1e99', null]) {
  test(`a page of ${page} is the first one`, () => {
    assert.equal(readListQuery({ page }, []).page, 1)
  })
}

test('a size that is not offered is the usual one', () => {
  assert.equal(readListQuery({ page_size: '7' }, []).pageSize, 20)
})

test('of a repeated parameter the first counts, foreign ones are ignored', () => {
  assert.deepEqual(readListQuery({ q: ['a', 'b'], z: '1' }, ['q']).filters, { q: 'a' })
})
