// The life of a client: made, changed, suspended, deleted with all that it has.
import {
  AppError,
  type ClientCreateRequest,
  type ClientItem,
  type ClientPatchRequest,
  type ClientsQuery,
} from '@sallyport/contract'
import {
  type Conditions,
  createConditions,
  type Database,
  prefixPattern,
  type Queryable,
  selectPage,
} from '../store/store.ts'
import type { ApiKeyRows } from './api-key-rows.ts'
import type { Clients, CredentialHooks, RecordChange } from './caller-types.ts'
import { type ClientRow, clientColumns, lockClient, readSettings, toClientItem } from './client-rows.ts'
import { deriveExternalId } from './external-id.ts'
import { clientTag, type IdentityChanges } from './identity-changes.ts'

/** Names that agree in their slug are rare; whoever makes more of them gives the external id. */
const derivedIdsMax = 1000

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

    delete: (id, record) =>
      change(id, { action: 'client.delete', record }, async (tx) => {
        await removeClient(tx, { clientId: id, credentials: await listCredentials(tx, id) })
        await tx.query('delete from clients where id = $1', [id])
        return null
      }),
  }
}

function clientConditions(query: ClientsQuery): Conditions {
  const conditions = createConditions()
  if (query.status !== undefined) conditions.add((value) => `status = ${value}`, query.status)
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

async function insertClient(tx: Queryable, input: ClientCreateRequest): Promise<ClientRow> {
  for (let attempt = 1; attempt <= derivedIdsMax; attempt++) {
    const externalId = input.external_id ?? deriveExternalId(input.name, attempt)
    const { rows } = await tx.query<ClientRow>(
      `insert into clients (external_id, name, email) values ($1, $2, $3)
       on conflict (external_id) do nothing returning ${clientColumns}`,
      [externalId, input.name, input.email],
    )
    if (rows[0]) return rows[0]
    if (input.external_id !== undefined) break
  }
  throw taken('external_id', input.external_id ?? deriveExternalId(input.name, 1))
}

/** Null when the client is gone. Fields that are undefined stay as they are. */
async function updateClient(
  tx: Queryable,
  id: number,
  patch: {
    [Field in 'name' | 'email' | 'status' | 'shared_keys' | 'settings']?: ClientRow[Field] | undefined
  },
): Promise<ClientRow | null> {
  const { rows } = await tx.query<ClientRow>(
    `update clients set name = coalesce($2::text, name), email = coalesce($3::text, email), status = coalesce($4::text, status),
       shared_keys = coalesce($5::boolean, shared_keys), settings = coalesce($6::text, settings)
     where id = $1 returning ${clientColumns}`,
    [id, patch.name, patch.email, patch.status, patch.shared_keys, patch.settings],
  )
  return rows[0] ?? null
}

/** Given settings replace what stands there; null takes one away, and the shared value counts again. */
function mergeSettings(before: ClientRow, given: NonNullable<ClientPatchRequest['settings']>): object {
  const merged = { ...readSettings(before.settings), ...given }
  return Object.fromEntries(
    Object.entries(merged).filter(([, value]) => value !== null && value !== undefined),
  )
}

async function listCredentials(tx: Queryable, clientId: number): Promise<string[]> {
  const { rows } = await tx.query<{ credential: string }>(
    `select 'api_key:' || id as credential from api_keys where client_id = $1
     union all select 'device:' || id from devices where client_id = $1`,
    [clientId],
  )
  return rows.map((row) => row.credential)
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

function taken(field: string, value: string): AppError {
  return new AppError('conflict', { message: `${field}: another client has "${value}" already.` })
}
