// Days and weeks are those of the operator's calendar, also at the turn of a year.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIsoWeek } from '@sallyport/contract'
import { lastWeek, localDay } from './local-day.ts'

test('a day is the day where the operator is, from its first to its last second', () => {
  assert.equal(localDay(new Date(2026, 2, 1, 0, 0, 1)), '2026-03-01')
  assert.equal(localDay(new Date(2026, 10, 30, 23, 59, 59)), '2026-11-30')
})

test('the last week is the one before, on Monday as on Sunday', () => {
  assert.equal(lastWeek(new Date(2025, 9, 6)), '2025-W40')
  assert.equal(lastWeek(new Date(2025, 9, 12, 23, 59)), '2025-W40')
  assert.equal(lastWeek(new Date(2025, 9, 13)), '2025-W41')
})

test('week 53, and the days of January that belong to the year before', () => {
  assert.equal(lastWeek(new Date(2021, 0, 4)), '2020-W53')
  assert.equal(lastWeek(new Date(2021, 0, 3)), '2020-W52')
  assert.equal(lastWeek(new Date(2025, 0, 6)), '2025-W01')
  assert.equal(lastWeek(new Date(2024, 11, 31)), '2024-W52')
})

test('every day of forty years has a last week that exists, and each comes up seven times', () => {
  const counts = new Map<string, number>()
  for (let day = 0; day < (40 * 1461) / 4; day++) {
    const week = lastWeek(new Date(2000, 0, 10 + day))
    assert.ok(parseIsoWeek(week), week)
    counts.set(week, (counts.get(week) ?? 0) + 1)
  }
  assert.deepEqual([...new Set([...counts.values()].slice(0, -1))], [7])
})
