// The life of a client: made, changed, suspended, deleted with all that it has.
import type { ClientItem, ClientsQuery } from '@sallyport/contract'
import {
  type Conditions,
  createConditions,
  type Database,
  prefixPattern,
  type Queryable,
  selectPage,
} from '../store/store.ts'
import type { ApiKeyRows } from './api-key-rows.ts'
import type { ClientDescription, Clients, CredentialHooks, RecordChange } from './caller-types.ts'
import {
  type ClientRow,
  clientColumns,
  insertClient,
  listCredentials,
  lockClient,
  mergeSettings,
  taken,
  toClientItem,
  updateClient,
} from './client-rows.ts'
import { clientTag, type IdentityChanges } from './identity-changes.ts'

export function createClients(dependencies: {
  database: Database
  changes: IdentityChanges
  keys: Pick<ApiKeyRows, 'insert'>
  removeClient: CredentialHooks['removeClient']
}): Clients {
  const { database, changes, keys, removeClient } = dependencies

  /** Locks the client, lets `work` change it and records that; null for an unknown id. */
  async function change(
    id: number,
    { action, record }: { action: string; record: RecordChange },
    work: (tx: Queryable, before: ClientRow) => Promise<ClientRow | null>,
  ): Promise<ClientItem | null> {
    return changes.commit(async (tx, touch) => {
      const row = await lockClient(tx, id)
      if (!row) return null
      touch(clientTag(id))
      const before = toClientItem(row)
      const changed = await work(tx, row)
      const after = changed && toClientItem(changed)
      await record(tx, { action, target: `client ${id}`, before, after })
      return after ?? before
    })
  }

  const setStatus = (
    id: number,
    status: ClientItem['status'],
    audit: { action: string; record: RecordChange },
  ) => change(id, audit, (tx) => updateClient(tx, id, { status }))

  return {
    async list(query) {
      const page = await selectPage<ClientRow>(database, {
        table: 'clients',
        columns: clientColumns,
        order: ['id'],
        conditions: clientConditions(query),
        page: query.page,
        pageSize: query.page_size,
      })
      return { ...page, items: page.items.map(toClientItem) }
    },

    async get(id) {
      const { rows } = await database.query<ClientRow>(`select ${clientColumns} from clients where id = $1`, [
        id,
      ])
      return rows[0] ? toClientItem(rows[0]) : null
    },

    async describe(queryable, ids) {
      const { rows } = await queryable.query<ClientDescription>(
        'select id, name, external_id, email from clients where id = any($1::bigint[])',
        [ids],
      )
      return rows
    },

    create: (input, record) =>
      namingTakenFields(input, () =>
        changes.commit(async (tx) => {
          const client = toClientItem(await insertClient(tx, input))
          const { key, apiKey } = await keys.insert(tx, client.id, {})
          await record(tx, {
            action: 'client.create',
            target: `client ${client.id}`,
            before: null,
            after: { client, key },
          })
          return { client, apiKey }
        }),
      ),

    update: (id, patch, record) =>
      namingTakenFields(patch, () =>
        change(id, { action: 'client.update', record }, (tx, before) =>
          updateClient(tx, id, {
            name: patch.name,
            email: patch.email,
            shared_keys: patch.shared_keys,
            settings: patch.settings && JSON.stringify(mergeSettings(before, patch.settings)),
          }),
        ),
      ),

    suspend: (id, record) => setStatus(id, 'suspended', { action: 'client.suspend', record }),
    reactivate: (id, record) => setStatus(id, 'active', { action: 'client.reactivate', record }),

    delete: (id, record, usage = 'invoice') =>
      change(id, { action: 'client.delete', record }, async (tx) => {
        await removeClient(tx, { clientId: id, credentials: await listCredentials(tx, id), usage })
        await tx.query('delete from clients where id = $1', [id])
        return null
      }),
  }
}

function clientConditions(query: ClientsQuery): Conditions {
  const conditions = createConditions()
  if (query.status !== undefined) conditions.add((value) => `status = ${value}`, query.status)
  if (query.kind !== undefined) {
    conditions.add((value) => `(issuer is null) = ${value}`, query.kind === 'client')
  }
  if (query.ids !== undefined) conditions.add((value) => `id = any(${value}::bigint[])`, query.ids)
  if (query.q !== undefined) {
    // Each branch is an index look-up; one condition over three columns would read every client.
    conditions.add(
      (value) =>
        `id in (select id from clients where lower(name) like ${value}
          union all select id from clients where lower(email) like ${value}
          union all select id from clients where external_id like ${value})`,
      prefixPattern(query.q.toLowerCase()),
    )
  }
  return conditions
}

async function namingTakenFields<T>(
  input: { email?: string | undefined },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isUniqueViolation(error, 'clients_email')) throw taken('email', input.email ?? '')
    throw error
  }
}

function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === constraint
}
