// Decimal numbers as people write them, read exactly: never through a floating-point number.

/** `text` such as `12.50` in units of 10^-`places`; null when it is no plain decimal number or has more places than that. */
export function parseDecimal(text: string, places: number): bigint | null {
  const [, whole, fraction = ''] = /^(\d{1,15})(?:\.(\d{1,18}))?$/.exec(text) ?? []
  if (whole === undefined || fraction.length > places) return null
  return BigInt(whole + fraction.padEnd(places, '0'))
}

/** The opposite: `units` of 10^-`places`, with at least `placesMin` of them shown. */
export function formatDecimal(units: bigint | number, places: number, placesMin = 0): string {
  const value = BigInt(units)
  const digits = String(value < 0n ? -value : value).padStart(places + 1, '0')
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '')
  const shown = fraction.padEnd(placesMin, '0')
  const whole = digits.slice(0, digits.length - places)
  return `${value < 0n ? '-' : ''}${whole}${shown === '' ? '' : `.${shown}`}`
}

/** `dividend / divisor` to the nearest whole number, halves away from zero; both at least 0. */
export function divideRounding(dividend: bigint, divisor: bigint): bigint {
  return (dividend * 2n + divisor) / (divisor * 2n)
}
