// Walks the audit chain from end to end and names the first row from which it no longer holds.
import type { Database, Row } from '../store/store.ts'
import type { AuditChain } from './audit-chain.ts'
import { type SignedEnds, type SignedRow, toEnds, toRow, wholeChainSql } from './audit-store.ts'

const batchRows = 1000
/** Written as the first row when a head is missing that must have been there: see `audit-log.ts`. */
export const chainLostAction = 'audit.chain_lost'

/** `first_bad_id` is null when all is well, or when nothing is left that could be named. */
export type AuditVerdict = { ok: boolean; rows: number; first_bad_id: number | null }

/** Altered, removed, inserted and reordered rows show, and rows cut off at either end; memory stays flat. */
export async function verifyAuditChain(database: Database, chain: AuditChain): Promise<AuditVerdict> {
  let walk: Walk | null = null
  for await (const batch of database.stream<Row>(wholeChainSql, [], batchRows)) {
    for (const row of batch) {
      walk ??= createWalk(toEnds(row), chain)
      // The join gives one row without a log entry when the log is empty.
      if (row.id !== null) walk.step(toRow(row))
    }
  }
  return walk ? walk.end() : verdictWithoutHead(database)
}

type Walk = { step(row: SignedRow): void; end(): AuditVerdict }

function createWalk(ends: SignedEnds, chain: AuditChain): Walk {
  let expectedId = ends.prunedId + 1
  let previousMac = ends.prunedMac
  let rows = 0
  let firstBadId: number | null = null
  return {
    step(row) {
      rows++
      if (firstBadId !== null) return
      const holds =
        row.id === expectedId &&
        row.id <= ends.lastId &&
        row.action !== chainLostAction &&
        row.mac.equals(chain.rowMac(previousMac, row))
      if (!holds) firstBadId = Math.min(row.id, expectedId)
      expectedId++
      previousMac = row.mac
    },
    end() {
      const complete = expectedId === ends.lastId + 1 && previousMac.equals(ends.lastMac)
      const headHolds = ends.mac.equals(chain.endsMac(ends))
      // With the end missing or the head forged, nothing is proven from the next id on.
      if (firstBadId === null && !(complete && headHolds)) firstBadId = expectedId
      return { ok: firstBadId === null, rows, first_bad_id: firstBadId }
    },
  }
}

/** The first start writes a row, so an audit without a head was tampered with. */
async function verdictWithoutHead(database: Database): Promise<AuditVerdict> {
  const { rows } = await database.query<{ rows: number; first: number | null }>(
    'select count(*) as rows, min(id) as first from audit_log',
  )
  return { ok: false, rows: Number(rows[0]?.rows ?? 0), first_bad_id: rows[0]?.first ?? null }
}
