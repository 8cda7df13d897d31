// Tests of the CSV cells and of the pieces that a file is sent in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvLine, csvOf } from './csv.ts'

test('no cell is a formula, and every cell comes back as it was', () => {
  const cells: [cell: string, written: string][] = [
    ['plain', 'plain'],
    ['', ''],
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['a=b', 'a=b'],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['two\r\nlines', '"two\r\nlines"'],
    ['=cmd|"/c",x', '"\'=cmd|""/c"",x"'],
    ['10.0.0.1 2001:db8::/64', '10.0.0.1 2001:db8::/64'],
  ]
  for (const [cell, written] of cells) assert.equal(csvLine([cell, 'end']), `${written},end\r\n`)
})

test('a file is sent in small pieces, however large the batches are that it comes in', async () => {
  const batches = [0, 1, 5_000, 3].map((length) =>
    Array.from({ length }, (_, at) => ({ at, text: 'x'.repeat(90) })),
  )
  async function* source() {
    yield* batches
  }
  const pieces = await Array.fromAsync(csvOf(['at', 'text'], source()))
  assert.ok(pieces.every((piece) => piece.length > 0 && piece.length < 33_000))
  const lines = batches.flat().map(({ at, text }) => `${at},${text}\r\n`)
  assert.equal(pieces.join(''), ['at,text\r\n', ...lines].join(''))
})
