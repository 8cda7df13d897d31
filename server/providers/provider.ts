// What a provider is: an upstream API, where it is, where its key goes, and what of it the shared key opens.
import type { UsageFormat } from './readers/call-usage.ts'
import type { JsonObject } from './stored-things.ts'

/** Where the provider looks for its key. Header names are in lower case. */
export type KeySlot = { kind: 'header'; name: string; prefix: string } | { kind: 'query'; name: string }

/** Whose key serves a call: the client's own, the operator's, or the operator's for who has none. */
export type KeySource = 'own' | 'shared' | 'own_else_shared'

/** A route on which nothing is kept and nothing kept is reached. `{name}` in the path stands for one segment or its part. */
export type StatelessRoute = {
  method: 'GET' | 'POST'
  path: string
  /** The API keeps the answer unless the body says `store: false`. */
  hasStore?: boolean
}

/** How to find in a JSON body what names or makes stored things. Names are in lower case and without underscores. */
export type BodyRules = {
  /** Refused wherever they stand, unless their value is null or false. */
  storedNames: readonly string[]
  /** Values under these names are the caller's own JSON (schemas, arguments), which the provider does not act on. */
  isOpaque(name: string, holder: JsonObject): boolean
}

/** Everything that sets one provider apart; one small file each. */
export type ProviderDefinition = {
  name: string
  /** Origin and perhaps a path, without a slash at the end; paths of calls follow it. */
  baseUrl: string
  keySlot: KeySlot
  /** Null: `shared` when a shared key is set, else `own`. */
  keySource: KeySource | null
  pricedBy: 'token' | 'call'
  /** The API in which its answers tell their usage; null: none is read. */
  usage: UsageFormat | null
  /** The only routes that are open on the shared key, because one upstream account serves all clients. */
  statelessRoutes: readonly StatelessRoute[]
  /** Request headers (lower case) that go on with the shared key beside the usual ones. */
  sharedHeaders: readonly string[]
  /** Query parameters that go on with the shared key. */
  sharedQuery: readonly string[]
  bodyRules: BodyRules
}

/** Rules for an API of which nothing more is known. */
export const plainBodyRules: BodyRules = { storedNames: [], isOpaque: () => false }
