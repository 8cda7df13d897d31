// Writes down every change an admin makes, each row chained to the one before by HMAC.
import type { KeyObject } from 'node:crypto'
import type { AuditItem } from '@sallyport/contract'
import type { RecordChange } from '../bindings/bindings.ts'
import type { Clock } from '../lib/clock.ts'
import type { Database, Page, Queryable } from '../store/store.ts'
import { type AuditRow, createAuditChain, genesisMac } from './audit-chain.ts'
import {
  deleteThrough,
  insertEnds,
  insertRow,
  lockEnds,
  type PageQuery,
  readOldest,
  readPage,
  type SignedEnds,
  updateEnds,
} from './audit-store.ts'
import { type AuditVerdict, chainLostAction, verifyAuditChain } from './audit-verify.ts'

const pruneBatchRows = 1000
/** The one row that a chain may begin with: a database without an admin has no history to lose. */
const firstAction = 'admin.account_created'

export type AuditEntry = {
  actor: string
  address: string | null
  action: string
  target: string | null
  before: unknown
  after: unknown
}

export type AuditLog = {
  /** Joins the chain when `tx` commits. Waits for other transactions that record; so record last. */
  record(tx: Queryable, entry: AuditEntry): Promise<void>
  recorderFor(actor: string, address: string | null): RecordChange
  list(query: PageQuery): Promise<Page<AuditItem>>
  verify(): Promise<AuditVerdict>
  /** Removes rows older than `cutoff` and leaves the rest verifiable. Returns how many; stops before a row that does not hold. */
  prune(cutoff: Date): Promise<number>
}

export function createAuditLog(dependencies: { database: Database; key: KeyObject; clock: Clock }): AuditLog {
  const { database, clock } = dependencies
  const chain = createAuditChain(dependencies.key)
  const signEnds = (ends: Omit<SignedEnds, 'mac'>): SignedEnds => ({ ...ends, mac: chain.endsMac(ends) })

  /** Adds one row behind `ends` and returns the new ends. */
  async function append(tx: Queryable, ends: SignedEnds, entry: AuditEntry): Promise<SignedEnds> {
    const { before, after, ...words } = entry
    const row: AuditRow = {
      ...words,
      id: ends.lastId + 1,
      createdAt: new Date(clock.now()),
      before: JSON.stringify(before ?? null),
      after: JSON.stringify(after ?? null),
    }
    const mac = chain.rowMac(ends.lastMac, row)
    await insertRow(tx, { ...row, mac })
    return signEnds({ ...ends, lastId: row.id, lastMac: mac })
  }

  /** A head that is missing anywhere but at the very beginning was removed; the new chain says so for ever. */
  async function begin(tx: Queryable, entry: AuditEntry): Promise<SignedEnds> {
    const { rows } = await tx.query<{ last: number | null }>('select max(id) as last from audit_log')
    const lastId = Number(rows[0]?.last ?? 0)
    const ends = signEnds({ prunedId: lastId, prunedMac: genesisMac, lastId, lastMac: genesisMac })
    if (!(await insertEnds(tx, ends))) return (await lockEnds(tx)) ?? ends
    if (entry.action === firstAction && lastId === 0) return ends
    return append(tx, ends, { ...entry, action: chainLostAction, target: null, before: null, after: null })
  }

  const record: AuditLog['record'] = async (tx, entry) => {
    const ends = (await lockEnds(tx)) ?? (await begin(tx, entry))
    await updateEnds(tx, await append(tx, ends, entry))
  }

  /** Removes one batch; 0 when nothing old enough is left. */
  const pruneBatch = (cutoff: Date) =>
    database.transaction(async (tx) => {
      const ends = await lockEnds(tx)
      if (!ends?.mac.equals(chain.endsMac(ends))) return 0
      let { prunedId, prunedMac } = ends
      for (const row of await readOldest(tx, pruneBatchRows)) {
        const holds = row.id === prunedId + 1 && row.mac.equals(chain.rowMac(prunedMac, row))
        if (!holds || row.action === chainLostAction || row.createdAt >= cutoff) break
        prunedId = row.id
        prunedMac = row.mac
      }
      if (prunedId === ends.prunedId) return 0
      await deleteThrough(tx, prunedId)
      await updateEnds(tx, signEnds({ ...ends, prunedId, prunedMac }))
      return prunedId - ends.prunedId
    })

  return {
    record,
    recorderFor: (actor, address) => (tx, change) => record(tx, { actor, address, ...change }),
    list: (query) => readPage(database, query),
    verify: () => verifyAuditChain(database, chain),
    async prune(cutoff) {
      let total = 0
      for (;;) {
        const removed = await pruneBatch(cutoff)
        if (removed === 0) return total
        total += removed
      }
    },
  }
}
