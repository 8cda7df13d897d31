// Prices of endpoints: what all clients pay, and what one client pays in place of it.
import type { ClientItem, PricesAnswer } from '@sallyport/contract'
import { amountText } from '../../composables/money.ts'

export type OwnPriceRow = {
  /** The endpoint. */
  id: string
  usualMicros: number
  /** Null: the client pays the usual price. */
  ownMicros: number | null
}

/** Every endpoint that has a price, and each of which the client has one of its own. */
export function ownPriceRows(
  endpoints: PricesAnswer['endpoints'],
  own: ClientItem['settings']['prices'],
): OwnPriceRow[] {
  const usual = new Map(endpoints.map(({ endpoint, price_micros }) => [endpoint, price_micros]))
  const names = new Set([...usual.keys(), ...Object.keys(own ?? {})])
  return [...names].map((id) => ({ id, usualMicros: usual.get(id) ?? 0, ownMicros: own?.[id] ?? null }))
}

/** Own prices as they stand in a form, by endpoint. */
export function toPriceDraft(rows: readonly OwnPriceRow[]): Record<string, string> {
  return Object.fromEntries(
    rows.map(({ id, ownMicros }) => [id, ownMicros === null ? '' : amountText(ownMicros)]),
  )
}

/** As the server takes them; null: none is left. */
export function pricesOf(amounts: Readonly<Record<string, number | null>>): Record<string, number> | null {
  const given = Object.entries(amounts).flatMap(([endpoint, micros]) =>
    micros === null ? [] : [[endpoint, micros]],
  )
  return given.length > 0 ? Object.fromEntries(given) : null
}
