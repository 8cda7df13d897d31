// Walks the audit chain from end to end and names the first row from which it no longer holds.
import type { Database, Row } from '../store/store.ts'
import type { AuditChain } from './audit-chain.ts'
import {
  readLoneParts,
  type SignedEnds,
  type SignedRow,
  toEnds,
  toRow,
  wholeChainSql,
} from './audit-store.ts'

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
      walk.step(toRow(row))
    }
  }
  return walk ? walk.end() : verifyLoneParts(database, chain)
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
async function verifyLoneParts(database: Database, chain: AuditChain): Promise<AuditVerdict> {
  const { ends, rows, firstId } = await readLoneParts(database)
  if (!ends) return { ok: false, rows, first_bad_id: firstId }
  // The first rows of all may have been written between the two statements.
  return rows > 0 ? verifyAuditChain(database, chain) : createWalk(ends, chain).end()
}
