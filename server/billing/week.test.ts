// Weeks of billing: bounds over changes of the clock, week 53, and the moment from which a week is due.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIsoWeek } from '@sallyport/contract'
import { boundsOf, dayAfter, daysOf, latestDueWeek, weekAfter, weekAt } from './week.ts'

const hours = ({ start, end }: { start: Date; end: Date }) => (end.getTime() - start.getTime()) / 3_600_000

test('a week begins on Monday 00:00 of the zone, and is an hour longer or shorter when the clock changes', () => {
  const autumn = boundsOf({ year: 2025, week: 43 }, 'Europe/Berlin')
  assert.equal(autumn.start.toISOString(), '2025-10-19T22:00:00.000Z')
  assert.equal(autumn.end.toISOString(), '2025-10-26T23:00:00.000Z')
  assert.equal(hours(autumn), 169)
  assert.equal(hours(boundsOf({ year: 2026, week: 13 }, 'Europe/Berlin')), 167)
  assert.equal(hours(boundsOf({ year: 2025, week: 43 }, 'UTC')), 168)
})

test('weeks follow each other without gap or overlap for years, in zones that change the clock at midnight too', () => {
  for (const zone of ['America/Havana', 'Africa/Cairo', 'Asia/Kathmandu', 'Pacific/Apia', 'Europe/Berlin']) {
    let week = { year: 2009, week: 1 }
    let end = boundsOf(week, zone).end
    for (let count = 0; count < 1000; count++) {
      week = weekAfter(week)
      const bounds = boundsOf(week, zone)
      assert.equal(bounds.start.getTime(), end.getTime(), `${zone} ${formatIsoWeek(week)}`)
      assert.deepEqual(weekAt(bounds.start.getTime(), zone), week)
      assert.deepEqual(weekAt(bounds.end.getTime() - 1, zone), week)
      end = bounds.end
    }
  }
})

test('week 53 is one, and the days of a week are told', () => {
  assert.deepEqual(weekAfter({ year: 2026, week: 53 }), { year: 2027, week: 1 })
  assert.deepEqual(weekAt(Date.UTC(2027, 0, 3, 12), 'UTC'), { year: 2026, week: 53 })
  assert.deepEqual(daysOf({ year: 2026, week: 53 }), { from: '2026-12-28', to: '2027-01-03' })
})

test('a week is due from Monday 06:00 of the zone on', () => {
  const at = (iso: string) => formatIsoWeek(latestDueWeek(Date.parse(iso), 'Europe/Berlin'))
  assert.equal(at('2025-10-06T03:59:59Z'), '2025-W39')
  assert.equal(at('2025-10-06T04:00:00Z'), '2025-W40')
  assert.equal(at('2025-10-12T21:59:59Z'), '2025-W40')
  assert.equal(at('2027-01-04T05:00:00Z'), '2026-W53')
})

test('what is paid by the month falls due after its end', () => {
  const at = Date.parse('2025-10-06T05:00:00Z')
  assert.equal(dayAfter(at, 'UTC', { days: 14, fromEndOfMonth: false }), '2025-10-20')
  assert.equal(dayAfter(at, 'UTC', { days: 14, fromEndOfMonth: true }), '2025-11-14')
})
