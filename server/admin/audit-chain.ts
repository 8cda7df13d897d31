// The arithmetic of the audit chain: what is signed in a row and in the head, in one exact spelling.
import { createHmac, type KeyObject } from 'node:crypto'

/** One row as it is signed; `before` and `after` are JSON texts. */
export type AuditRow = {
  id: number
  createdAt: Date
  actor: string
  address: string | null
  action: string
  target: string | null
  before: string
  after: string
}

/** Both ends of the chain: the last row that retention pruned, and the last row of all. */
export type AuditEnds = { prunedId: number; prunedMac: Buffer; lastId: number; lastMac: Buffer }

/** Stands for the row before the first one. */
export const genesisMac = Buffer.alloc(32)

export type AuditChain = {
  /** `previousMac` ties the row to all rows before it. */
  rowMac(previousMac: Buffer, row: AuditRow): Buffer
  endsMac(ends: AuditEnds): Buffer
}

export function createAuditChain(key: KeyObject): AuditChain {
  // The first word keeps a row from ever being taken for a head.
  const sign = (parts: readonly unknown[]) => createHmac('sha256', key).update(JSON.stringify(parts)).digest()
  return {
    rowMac: (previousMac, row) =>
      sign([
        'row',
        previousMac.toString('base64'),
        row.id,
        row.createdAt.toISOString(),
        row.actor,
        row.address,
        row.action,
        row.target,
        row.before,
        row.after,
      ]),
    endsMac: (ends) =>
      sign([
        'ends',
        ends.prunedId,
        ends.prunedMac.toString('base64'),
        ends.lastId,
        ends.lastMac.toString('base64'),
      ]),
  }
}
