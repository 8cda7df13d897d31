// Amounts in millionths of EUR, the only form in which the server tells and takes them, as decimal text and back; no floating-point number takes part.

const microsPerEuro = 1_000_000
const fractionDigits = 6

/** `-2430017` as `-2.430017`. */
export function decimalOf(micros: number): string {
  const digits = String(Math.abs(micros)).padStart(fractionDigits + 1, '0')
  const whole = digits.slice(0, -fractionDigits)
  return `${micros < 0 ? '-' : ''}${whole}.${digits.slice(-fractionDigits)}`
}

/** `5`, `5.00` or `5,25` as typed; undefined for what is no amount, or too exact or too large to be told. */
export function readMicros(text: string): number | undefined {
  const [, whole, fraction = ''] = /^(\d{1,9})(?:[.,](\d{1,6}))?$/.exec(text.trim()) ?? []
  if (whole === undefined) return undefined
  return Number(whole) * microsPerEuro + Number(fraction.padEnd(fractionDigits, '0'))
}

/** Typed amounts by name; null where nothing was typed. `wrong` names what is no amount. */
export function readAmounts<Name extends string>(
  texts: Readonly<Record<Name, string>>,
): { amounts: Record<Name, number | null>; wrong: Name[] } {
  const names = Object.keys(texts) as Name[]
  const isBlank = (name: Name) => !texts[name].trim()
  const entries = names.map((name) => [name, isBlank(name) ? null : (readMicros(texts[name]) ?? null)])
  return {
    amounts: Object.fromEntries(entries) as Record<Name, number | null>,
    wrong: names.filter((name) => !isBlank(name) && readMicros(texts[name]) === undefined),
  }
}

/** As it stands in a field: no more digits than it has, two at least. */
export function amountText(micros: number): string {
  return decimalOf(micros).replace(/0{1,4}$/, '')
}
