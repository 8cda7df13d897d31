// Times, dates and numbers as the operator's language writes them.
import { computed } from 'vue'
import { useLanguage } from '../stores/language.ts'

export function useFormat() {
  const language = useLanguage()
  const formats = computed(() => ({
    time: new Intl.DateTimeFormat(language.tag, { dateStyle: 'short', timeStyle: 'medium' }),
    day: new Intl.DateTimeFormat(language.tag, { weekday: 'short', day: 'numeric', timeZone: 'UTC' }),
    clock: new Intl.DateTimeFormat(language.tag, { timeStyle: 'medium' }),
    number: new Intl.NumberFormat(language.tag),
  }))
  return {
    /** Local date and time of an ISO timestamp. */
    time: (iso: string) => formats.value.time.format(new Date(iso)),
    /** Weekday and day of an ISO date, which is a day of the gateway's calendar and not a moment. */
    day: (date: string) => formats.value.day.format(new Date(`${date}T00:00:00Z`)),
    clock: (moment: Date) => formats.value.clock.format(moment),
    number: (value: number) => formats.value.number.format(value),
  }
}
