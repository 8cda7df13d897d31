// Tests of tables and times for people.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAge, formatList, formatPageLine, formatTable, formatTime } from './table.ts'

test('columns are aligned and nothing is cut off', () => {
  const columns = [
    { title: 'ID', cell: (row: { id: number; name: string }) => String(row.id), align: 'right' as const },
    { title: 'NAME', cell: (row: { id: number; name: string }) => row.name },
  ]
  const rows = [
    { id: 7, name: 'short' },
    { id: 123456789, name: 'a name that is longer than its title' },
  ]
  assert.equal(
    formatTable(columns, rows),
    ['       ID  NAME', '        7  short', '123456789  a name that is longer than its title'].join('\n'),
  )
})

test('control characters of a caller never reach the terminal', () => {
  const columns = [{ title: 'PATH', cell: (row: string) => row }]
  assert.equal(formatTable(columns, ['/v1\u001b[2J\u202e']), 'PATH\n/v1\\u001b[2J\\u202e')
})

test('times are shown in UTC to the second, ages in one unit, a missing time as a dash', () => {
  assert.equal(formatTime('2026-11-20T15:06:14.123Z'), '2026-11-20 15:06:14Z')
  assert.equal(formatTime(null), '-')
  const nowMs = Date.UTC(2026, 10, 20, 12)
  const ages = [
    '2026-11-20T11:59:58Z',
    '2026-11-20T11:57:00Z',
    '2026-11-20T09:00:00Z',
    '2026-11-01T12:00:00Z',
  ]
  assert.deepEqual(
    ages.map((iso) => formatAge(iso, nowMs)),
    ['2 s ago', '3 min ago', '3 h ago', '19 d ago'],
  )
  assert.equal(formatAge('2026-11-20T12:00:05Z', nowMs), '0 s ago')
  assert.equal(formatAge(null, nowMs), '-')
})

test('a long list says how much of it is not shown', () => {
  assert.equal(formatList([]), '-')
  assert.equal(formatList(['a', 'b', 'c']), 'a, b, c')
  assert.equal(formatList(['a', 'b', 'c', 'd', 'e']), 'a, b, c +2 more')
})

test('the page line names the next page only when there is one', () => {
  assert.equal(
    formatPageLine({ total: 45, page: 1, page_size: 20 }),
    'Page 1 of 3, 45 in all. Next: --page 2',
  )
  assert.equal(formatPageLine({ total: 45, page: 3, page_size: 20 }), 'Page 3 of 3, 45 in all.')
  assert.equal(formatPageLine({ total: 0, page: 1, page_size: 20 }), 'Page 1 of 1, 0 in all.')
})

test('the page line says of an estimate that it is one', () => {
  const page = { total: 999_997, total_is_estimate: true, page: 7, page_size: 20 } as const
  assert.equal(formatPageLine(page), 'Page 7, about 1000000 in all. Next: --page 8')
})
