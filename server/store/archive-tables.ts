// What an archive holds, as the database's own catalogue tells it: a table that is added later is in it by itself.
import { ArchiveError } from './archive-format.ts'
import type { Connection } from './connection.ts'

const queryLimitMs = 60_000

export type TableInfo = { name: string; columns: string[] }
export type SequenceInfo = { name: string; value: number; called: boolean }

/** Schemas that an installation makes: its tables, the bookkeeping of the migrations, the job queue. */
const ownSchemas = ['public', 'drizzle', 'jobs']

const notOfExtension = `not exists (
  select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`

/** Every table but those of the job queue and of the migrations, each after those that it refers to. */
export async function listTables(connection: Connection): Promise<TableInfo[]> {
  const { rows } = await connection.query<TableInfo & { id: string; parents: string[] }>(
    `select c.oid::text as id, c.relname::text as name,
       array(select a.attname::text from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         order by a.attnum) as columns,
       array(select f.confrelid::text from pg_constraint f where f.contype = 'f' and f.conrelid = c.oid) as parents
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and ${notOfExtension}
     order by c.relname`,
    [],
    queryLimitMs,
  )
  const ordered = new Set<(typeof rows)[number]>()
  for (let left = rows; left.length > 0; left = left.filter((row) => !ordered.has(row))) {
    const isWaiting = (row: (typeof rows)[number]) =>
      left.some((other) => other !== row && row.parents.includes(other.id))
    const next = left.filter((row) => !isWaiting(row))
    if (next.length === 0) {
      throw new ArchiveError(`these tables refer to each other: ${left.map(({ name }) => name).join(', ')}`)
    }
    for (const row of next) ordered.add(row)
  }
  return [...ordered].map(({ name, columns }) => ({ name, columns }))
}

export async function listSequences(connection: Connection): Promise<SequenceInfo[]> {
  const { rows } = await connection.query<{ name: string }>(
    `select c.relname::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'public' and c.relkind = 'S' and ${notOfExtension} order by 1`,
    [],
    queryLimitMs,
  )
  const sequences: SequenceInfo[] = []
  for (const { name } of rows) {
    const state = await connection.query<Omit<SequenceInfo, 'name'>>(
      `select last_value as value, is_called as called from ${nameOf(name)}`,
      [],
      queryLimitMs,
    )
    for (const row of state.rows) sequences.push({ name, ...row })
  }
  return sequences
}

/** One that is not there is passed over. */
export async function setSequence(connection: Connection, sequence: SequenceInfo): Promise<void> {
  const { name, value, called } = sequence
  await connection.query(
    'select setval(to_regclass($1), $2::bigint, $3)',
    [nameOf(name), value, called],
    queryLimitMs,
  )
}

/** Names of what stands where an installation would; empty for an empty database. */
export async function listOccupants(connection: Connection): Promise<string[]> {
  const { rows } = await connection.query<{ name: string }>(
    `select case when n.nspname = 'public' then '' else n.nspname || '.' end || c.relname as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = any($1) and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and not c.relispartition
       and ${notOfExtension}
     order by c.relkind = 'S', n.nspname <> 'public', c.relname`,
    [ownSchemas],
    queryLimitMs,
  )
  return rows.map((row) => row.name)
}

export function nameOf(table: string): string {
  return `public.${quote(table)}`
}

export function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
