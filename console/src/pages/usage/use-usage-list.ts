// The metered calls that the page shows, with what all that match add up to, and the same by day.
import type { UsageAnswer, UsageEvent } from '@sallyport/contract'
import { computed, shallowRef, watch } from 'vue'
import { listUsage, readUsageDays } from '../../api/usage-api.ts'
import { dayEnd, dayStart } from '../../composables/day-range.ts'
import { localDay } from '../../composables/local-day.ts'
import { type List, useList } from '../../composables/use-list.ts'
import { useLoaded } from '../../composables/use-loaded.ts'
import { isTooLongByDay, spanOf } from './usage-span.ts'

const filterNames = ['client_id', 'from', 'to', 'provider', 'model', 'endpoint', 'outcome'] as const
type FilterName = (typeof filterNames)[number]
export type UsageFilters = Record<FilterName, string>

export function useUsageList() {
  const today = () => localDay(new Date())
  const sums = shallowRef<Pick<UsageAnswer, 'totals' | 'by_endpoint'>>()
  const list: List<UsageEvent, FilterName> = useList({
    filters: filterNames,
    async load(query, signal) {
      const answer = await listUsage(query, signal)
      if (!signal.aborted) sums.value = answer
      return answer
    },
    toQuery(filters) {
      const { from, to } = spanOf(filters, today())
      return { ...filters, from: dayStart(from), to: dayEnd(to) }
    },
  })
  const span = computed(() => spanOf(list.filters, today()))
  const isTooLong = computed(() => isTooLongByDay(span.value, today()))
  const days = useLoaded(async (signal) =>
    isTooLong.value ? undefined : readUsageDays({ ...list.filters, ...span.value }, signal),
  )
  watch(() => JSON.stringify(list.filters), days.reload)
  return { list, sums, isTooLong, days }
}
