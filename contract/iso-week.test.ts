// ISO weeks: what is one and what is not, held against the calendar rule that January 4 is in week 1.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIsoWeek, isoWeek, parseIsoWeek, weeksOfYear } from './iso-week.ts'

test('a year has 53 weeks exactly when 53 Thursdays lie in it', () => {
  for (let year = 2000; year < 2200; year++) {
    let thursdays = 0
    for (let day = new Date(Date.UTC(year, 0, 1)); day.getUTCFullYear() === year; ) {
      if (day.getUTCDay() === 4) thursdays += 1
      day = new Date(day.getTime() + 86_400_000)
    }
    assert.equal(weeksOfYear(year), thursdays, String(year))
  }
})

test('weeks are read and written in one spelling only', () => {
  assert.deepEqual(parseIsoWeek('2025-W40'), { year: 2025, week: 40 })
  assert.deepEqual(parseIsoWeek('2026-W53'), { year: 2026, week: 53 })
  assert.equal(formatIsoWeek({ year: 2025, week: 1 }), '2025-W01')
  const wrong = [
    '2025-W53',
    '2025-W54',
    '2025-W00',
    '2025-W4',
    '2025-w40',
    '2025W40',
    ' 2025-W40',
    '1999-W01',
    '',
  ]
  for (const text of wrong) assert.equal(parseIsoWeek(text), null, text)
})

test('a week that does not exist is refused with those that do', () => {
  const refused = isoWeek.safeParse('2025-W54')
  assert.equal(
    refused.error?.issues[0]?.message,
    'must be an ISO week such as 2025-W40; 2025 has the weeks 01 to 52',
  )
})
