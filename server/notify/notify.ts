// Door of the outbox: messages that must arrive, queued in the database and retried; a dead receiver slows nobody.
import type { Queryable } from '../store/store.ts'

export type Notify = {
  /** Queues one webhook inside `tx`; the same `key` is queued once. Nothing happens while no webhook address is set. */
  enqueueWebhook(tx: Queryable, body: object, key: string): Promise<void>
}
