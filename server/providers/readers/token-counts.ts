// The token counts of one answer while it passes: what the upstream reported, cut to what can be true.
import type { JsonObject } from './json-object.ts'

/** More than any context window times any number of answers. */
const tokensMax = 100_000_000

export class TokenCounts {
  /** Null: not reported. `tokensIn` holds the cached ones too. */
  tokensIn: number | null = null
  tokensOut: number | null = null
  tokensCached: number | null = null
  /** Something absurd was reported, and cut or left out. */
  isBounded = false

  /** A count that was reported; null: none, or something that is no number. */
  read(value: unknown): number | null {
    if (value === undefined || value === null) return null
    if (typeof value !== 'number' || Number.isNaN(value)) {
      this.isBounded = true
      return null
    }
    const bounded = Math.min(Math.max(Math.floor(value), 0), tokensMax)
    if (bounded !== value) this.isBounded = true
    return bounded
  }

  /** Takes the parts of a count that the API tells apart; null when it tells none of them. */
  sum(holder: JsonObject, names: readonly string[]): number | null {
    let total: number | null = null
    for (const name of names) {
      const part = this.read(holder[name])
      if (part !== null) total = (total ?? 0) + part
    }
    return total
  }
}
