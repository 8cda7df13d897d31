// Numbers of bytes in the unit in which they are short.

const units = ['kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const
export type ByteUnit = (typeof units)[number]

/**
 * Steps of 1000, from kilobytes on: bytes have no sign of their own. A value that would be written as 1000 goes up to
 * the next unit.
 */
export function byteSizeOf(bytes: number): { value: number; unit: ByteUnit } {
  let power = 1
  while (power < units.length && bytes / 1000 ** power >= 999.5) power++
  return { value: bytes / 1000 ** power, unit: units[power - 1] ?? 'kilobyte' }
}
