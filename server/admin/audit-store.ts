// SQL of the audit tables.
import type { AuditItem } from '@sallyport/contract'
import {
  createConditions,
  type Database,
  type Page,
  type Queryable,
  type Row,
  selectPage,
} from '../store/store.ts'
import type { AuditEnds, AuditRow } from './audit-chain.ts'

export type SignedRow = AuditRow & { mac: Buffer }
export type SignedEnds = AuditEnds & { mac: Buffer }

const rowColumns = 'l.id, l.created_at, l.actor, l.address, l.action, l.target, l.before, l.after, l.mac'
const endsColumns = 'h.pruned_id, h.pruned_mac, h.last_id, h.last_mac, h.mac as head_mac'

/** Locks the head, so that rows join the chain one after another. Null before the first row of all. */
export async function lockEnds(tx: Queryable): Promise<SignedEnds | null> {
  const { rows } = await tx.query(`select ${endsColumns} from audit_head h where id = 1 for update`)
  return rows[0] ? toEnds(rows[0]) : null
}

/** False when another transaction made the head first; it has committed by then. */
export async function insertEnds(tx: Queryable, ends: SignedEnds): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into audit_head (id, pruned_id, pruned_mac, last_id, last_mac, mac)
     values (1, $1, $2, $3, $4, $5) on conflict do nothing`,
    [ends.prunedId, ends.prunedMac, ends.lastId, ends.lastMac, ends.mac],
  )
  return rowCount === 1
}

export async function updateEnds(tx: Queryable, ends: SignedEnds): Promise<void> {
  await tx.query(
    `update audit_head set pruned_id = $1, pruned_mac = $2, last_id = $3, last_mac = $4, mac = $5 where id = 1`,
    [ends.prunedId, ends.prunedMac, ends.lastId, ends.lastMac, ends.mac],
  )
}

export async function insertRow(tx: Queryable, row: SignedRow): Promise<void> {
  await tx.query(
    `insert into audit_log (id, created_at, actor, address, action, target, before, after, mac)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [row.id, row.createdAt, row.actor, row.address, row.action, row.target, row.before, row.after, row.mac],
  )
}

export async function readOldest(tx: Queryable, rowsMax: number): Promise<SignedRow[]> {
  const { rows } = await tx.query(`select ${rowColumns} from audit_log l order by id limit $1`, [rowsMax])
  return rows.map(toRow)
}

export async function deleteThrough(tx: Queryable, id: number): Promise<void> {
  await tx.query('delete from audit_log where id <= $1', [id])
}

export type PageQuery = { page: number; page_size: number; action?: string | undefined }

/** Newest first. Without a filter a page is a range of ids, because ids have no gaps: any page costs the same. */
export async function readPage(database: Database, query: PageQuery): Promise<Page<AuditItem>> {
  const { page, page_size: pageSize, action } = query
  if (action !== undefined) {
    const conditions = createConditions()
    conditions.add((value) => `action = ${value}`, action)
    const found = await selectPage<Row>(database, {
      ...{ table: 'audit_log l', columns: rowColumns, order: ['id'], conditions, page, pageSize },
    })
    return { ...found, items: toItems(found.items) }
  }
  const { rows } = await database.query(
    `select ${rowColumns}, h.last_id - h.pruned_id as total from audit_head h
     left join audit_log l on l.id <= h.last_id - $1 and l.id > h.last_id - $1 - $2
     where h.id = 1 order by l.id desc`,
    [(page - 1) * pageSize, pageSize],
  )
  return { items: toItems(rows), total: Number(rows[0]?.total ?? 0), page, page_size: pageSize }
}

/** Rows with the head beside each, in one statement, so that both are of one moment while others write. */
export const wholeChainSql = `select ${endsColumns}, ${rowColumns}
  from audit_log l cross join audit_head h where h.id = 1 order by l.id`

/** What there is to say when the statement above finds nothing: a head alone, rows alone, or nothing at all. */
export async function readLoneParts(
  database: Queryable,
): Promise<{ ends: SignedEnds | null; rows: number; firstId: number | null }> {
  const { rows } = await database.query(
    `select ${endsColumns}, l.rows, l.first_id
     from (select count(*) as rows, min(id) as first_id from audit_log) l
     left join audit_head h on h.id = 1`,
  )
  const row = rows[0] ?? {}
  return {
    ends: row.last_id === null ? null : toEnds(row),
    rows: Number(row.rows),
    firstId: row.first_id as number | null,
  }
}

export function toEnds(row: Row): SignedEnds {
  return {
    prunedId: Number(row.pruned_id),
    prunedMac: row.pruned_mac as Buffer,
    lastId: Number(row.last_id),
    lastMac: row.last_mac as Buffer,
    mac: row.head_mac as Buffer,
  }
}

export function toRow(row: Row): SignedRow {
  return {
    id: Number(row.id),
    createdAt: row.created_at as Date,
    actor: row.actor as string,
    address: row.address as string | null,
    action: row.action as string,
    target: row.target as string | null,
    before: row.before as string,
    after: row.after as string,
    mac: row.mac as Buffer,
  }
}

function toItems(rows: readonly Row[]): AuditItem[] {
  return rows
    .filter((row) => row.id !== null)
    .map(toRow)
    .map(({ id, createdAt, actor, address, action, target, before, after }) => ({
      id,
      created_at: createdAt.toISOString(),
      actor,
      address,
      action,
      target,
      before: parseJson(before),
      after: parseJson(after),
    }))
}

/** A row that was altered in the database may hold anything; the list must show it all the same. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
