// Every row of every table that a database holds, as its own catalogue names them.

type Query = (sql: string) => Promise<{ rows: Record<string, unknown>[] }>

/**
 * Rows as text, in their order, by `schema.table`. Left out: what the server and the job queue keep for themselves, and
 * when a migration was applied.
 */
export async function readAllTables(query: Query): Promise<Map<string, string[]>> {
  const { rows } = await query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('pg_catalog', 'information_schema', 'jobs') order by 1`,
  )
  const tables = new Map<string, string[]>()
  for (const name of rows.map((row) => String(row.name))) {
    const found = await query(`select t::text as row from ${name} t order by t::text collate "C"`)
    tables.set(
      name,
      found.rows.map(({ row }) => String(row)),
    )
  }
  return tables
}
