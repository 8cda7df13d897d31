// Times, dates and numbers as the operator's language writes them.
import { computed } from 'vue'
import { useLanguage } from '../stores/language.ts'

const timeParts: Intl.DateTimeFormatOptions = {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
}

export function useFormat() {
  const language = useLanguage()
  const formats = computed(() => ({
    time: new Intl.DateTimeFormat(language.tag, timeParts),
    timeOfOtherYear: new Intl.DateTimeFormat(language.tag, { ...timeParts, year: 'numeric' }),
    day: new Intl.DateTimeFormat(language.tag, { weekday: 'short', day: 'numeric', timeZone: 'UTC' }),
    clock: new Intl.DateTimeFormat(language.tag, { timeStyle: 'medium' }),
    number: new Intl.NumberFormat(language.tag),
  }))
  return {
    /** Local date and time of an ISO timestamp; the year only when it isn't this one. */
    time: (iso: string) => {
      const moment = new Date(iso)
      const isThisYear = moment.getFullYear() === new Date().getFullYear()
      return (isThisYear ? formats.value.time : formats.value.timeOfOtherYear).format(moment)
    },
    /** Weekday and day of an ISO date, which is a day of the gateway's calendar and not a moment. */
    day: (date: string) => formats.value.day.format(new Date(`${date}T00:00:00Z`)),
    clock: (moment: Date) => formats.value.clock.format(moment),
    number: (value: number) => formats.value.number.format(value),
  }
}
