// Tests of the CSV cells.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvLine } from './csv.ts'

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
