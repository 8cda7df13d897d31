// Door of the bindings room: from which addresses a credential may be used, and what is written down when it is not.
import type {
  BindingItem,
  BindingsQuery,
  DashboardAnswer,
  InterceptItem,
  InterceptsExportQuery,
  InterceptsQuery,
} from '@sallyport/contract'
import type { IpAddress } from '../lib/ip-address.ts'
import type { Queryable } from '../store/store.ts'

/** One call as the decision sees it. */
export type BindingCall = {
  /** Keyed digest of the canonical token, base64url. */
  digest: string
  /** Short mask for people, never enough to use. */
  tokenDisplay: string
  address: IpAddress
  method: string
  /** Without the query string. */
  path: string
  requestId: string
}

export type Decision =
  /** `settle` is set on the call that made the binding; it takes the status of its answer, once. */
  | { outcome: 'allowed'; settle: ((status: number) => void) | null; observed: boolean }
  /** Nobody can decide, and the failsafe mode is `open`. */
  | { outcome: 'opened' }
  | {
      outcome: 'refused'
      code: 'ip_not_allowed' | 'binding_banned' | 'failsafe_closed' | 'too_many_bindings'
      retryAfterSeconds?: number
    }

export type BindingRule = { mode: 'single' | 'multiple' | 'all'; allowedIps: readonly string[] }

/** Writes an admin's change into the audit chain, inside the transaction that makes the change. */
export type RecordChange = (
  tx: Queryable,
  change: { action: string; target: string; before: unknown; after: unknown },
) => Promise<void>

export type Page<Item> = { items: Item[]; total: number; page: number; page_size: number }

export type Bindings = {
  /** Answers without a promise when a fresh cached decision exists: the usual case. Never throws. */
  decide(call: BindingCall): Decision | Promise<Decision>

  list(query: BindingsQuery): Promise<Page<BindingItem>>
  /** Throws AppError `conflict` when the token is bound already, `malformed_request` for a bad rule. */
  create(
    input: { digest: string; tokenDisplay: string; rule: BindingRule },
    record: RecordChange,
  ): Promise<BindingItem>
  /** These answer the binding (unbind: as it was), or null for an unknown id; the change holds from the next request on. */
  unbind(id: number, record: RecordChange): Promise<BindingItem | null>
  setRule(id: number, rule: BindingRule, record: RecordChange): Promise<BindingItem | null>
  ban(id: number, record: RecordChange): Promise<BindingItem | null>
  unban(id: number, record: RecordChange): Promise<BindingItem | null>

  listIntercepts(query: InterceptsQuery): Promise<Page<InterceptItem>>
  exportIntercepts(query: InterceptsExportQuery): AsyncIterable<InterceptItem[]>
  dashboard(): Promise<DashboardAnswer>

  /** False while calls cannot be decided (readiness). */
  canDecide(): boolean
  /** Stops timers and writes what is still held in memory. */
  close(): Promise<void>
}
