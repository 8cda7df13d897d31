// Times, dates, numbers, sizes and money as the operator's language writes them.
import { computed } from 'vue'
import { useLanguage } from '../stores/language.ts'
import { byteSizeOf } from './byte-size.ts'
import { decimalOf } from './money.ts'

const timeParts: Intl.DateTimeFormatOptions = {
  day: '2-digit',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
}

/** Every millionth that there is; cents at least. */
const moneyParts: Intl.NumberFormatOptions = {
  style: 'currency',
  currency: 'EUR',
  minimumFractionDigits: 2,
  maximumFractionDigits: 6,
}

export function useFormat() {
  const language = useLanguage()
  const formats = computed(() => ({
    time: new Intl.DateTimeFormat(language.tag, timeParts),
    timeOfOtherYear: new Intl.DateTimeFormat(language.tag, { ...timeParts, year: 'numeric' }),
    day: new Intl.DateTimeFormat(language.tag, { weekday: 'short', day: 'numeric', timeZone: 'UTC' }),
    date: new Intl.DateTimeFormat(language.tag, { dateStyle: 'medium', timeZone: 'UTC' }),
    dayOfMonth: new Intl.DateTimeFormat(language.tag, { day: 'numeric', month: 'short', timeZone: 'UTC' }),
    clock: new Intl.DateTimeFormat(language.tag, { timeStyle: 'medium' }),
    number: new Intl.NumberFormat(language.tag),
    money: new Intl.NumberFormat(language.tag, moneyParts),
    cents: new Intl.NumberFormat(language.tag, { ...moneyParts, maximumFractionDigits: 2 }),
  }))
  const ofDate = (format: Intl.DateTimeFormat, date: string) => format.format(new Date(`${date}T00:00:00Z`))
  const ofMoney = (format: Intl.NumberFormat, micros: number) =>
    format.format(decimalOf(micros) as Intl.StringNumericLiteral)
  function ofBytes(bytes: number): string {
    const { value, unit } = byteSizeOf(bytes)
    const parts = { style: 'unit', unit, unitDisplay: 'short', maximumSignificantDigits: 3 } as const
    return new Intl.NumberFormat(language.tag, parts).format(value)
  }
  return {
    /** Local date and time of an ISO timestamp; the year only when it isn't this one. */
    time: (iso: string) => {
      const moment = new Date(iso)
      const isThisYear = moment.getFullYear() === new Date().getFullYear()
      return (isThisYear ? formats.value.time : formats.value.timeOfOtherYear).format(moment)
    },
    /** Weekday and day of an ISO date, which is a day of the gateway's calendar and not a moment. */
    day: (date: string) => ofDate(formats.value.day, date),
    /** Day and month of an ISO date. */
    dayOfMonth: (date: string) => ofDate(formats.value.dayOfMonth, date),
    date: (date: string) => ofDate(formats.value.date, date),
    clock: (moment: Date) => formats.value.clock.format(moment),
    bytes: ofBytes,
    number: (value: number) => formats.value.number.format(value),
    /** An estimate, no finer than it is. */
    roughly: (value: number) => formats.value.number.format(Number(value.toPrecision(2))),
    /** Millionths of EUR, exact. */
    money: (micros: number) => ofMoney(formats.value.money, micros),
    /** Millionths of EUR, rounded to the cent. */
    cents: (micros: number) => ofMoney(formats.value.cents, micros),
  }
}
