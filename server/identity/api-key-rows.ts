// Rows of API keys and their secrets.
import { AppError, type KeyCreateRequest, type KeyItem } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import type { Queryable } from '../store/store.ts'
import { makeApiKey, maskApiKey } from './api-key-text.ts'
import type { CredentialHooks } from './caller-types.ts'
import { type BindingPolicy, bindFixedRule, policyOf } from './credential-rule.ts'
import type { SecretRows } from './secret-rows.ts'

export type ApiKeyRow = {
  id: number
  client_id: number
  name: string | null
  display: string
  revoked_at: Date | null
  expires_at: Date | null
  scopes: string[] | null
  models: string[] | null
  requests_per_minute: number | null
  binding_policy: BindingPolicy
  created_at: Date
  last_used_at: Date | null
}

export const apiKeyColumns = `id, client_id, name, display, revoked_at, expires_at, scopes, models, requests_per_minute,
  binding_policy, created_at, last_used_at`

export type NewApiKey = { key: KeyItem; apiKey: Secret }
export type ApiKeyRows = {
  /** The client must be there, and held. Throws AppError `malformed_request` naming the field. */
  insert(tx: Queryable, clientId: number, input: KeyCreateRequest): Promise<NewApiKey>
  /** Gives a key its next secret; the others end after the grace. */
  renew(tx: Queryable, id: number, graceSeconds: number): Promise<NewApiKey>
}

export function createApiKeyRows(dependencies: {
  secrets: SecretRows
  bindCredential: CredentialHooks['bindCredential']
  clock: Clock
}): ApiKeyRows {
  const { secrets, bindCredential, clock } = dependencies
  return {
    async insert(tx, clientId, input) {
      const expiresAt = readExpiry(input.expires_at ?? null, clock.now())
      const apiKey = makeApiKey()
      const display = maskApiKey(apiKey)
      const row = await selectOne(
        tx,
        `insert into api_keys (client_id, name, display, expires_at, scopes, models, requests_per_minute, binding_policy)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${apiKeyColumns}`,
        [
          ...[clientId, input.name, display, expiresAt, input.scopes, input.models],
          ...[input.requests_per_minute, policyOf(input.binding)],
        ],
      )
      await secrets.insert(tx, row.id, apiKey)
      const credential = apiKeyCredential(row.id)
      await bindFixedRule(tx, bindCredential, { binding: input.binding, credential, display, clientId })
      return { key: toKeyItem(row, clock.now()), apiKey }
    },

    async renew(tx, id, graceSeconds) {
      const apiKey = makeApiKey()
      const nowMs = clock.now()
      await secrets.replace(tx, id, { secret: apiKey, graceMs: graceSeconds * 1000, nowMs })
      const row = await selectOne(
        tx,
        `update api_keys set display = $2 where id = $1 returning ${apiKeyColumns}`,
        [id, maskApiKey(apiKey)],
      )
      return { key: toKeyItem(row, nowMs), apiKey }
    },
  }
}

/** Its name in limits, usage and bindings. */
export function apiKeyCredential(id: number): string {
  return `api_key:${id}`
}

export function toKeyItem(row: ApiKeyRow, nowMs: number): KeyItem {
  return {
    id: row.id,
    client_id: row.client_id,
    name: row.name,
    display: row.display,
    status: statusOf(row, nowMs),
    scopes: row.scopes,
    models: row.models,
    requests_per_minute: row.requests_per_minute,
    expires_at: row.expires_at?.toISOString() ?? null,
    created_at: row.created_at.toISOString(),
    last_used_at: row.last_used_at?.toISOString() ?? null,
  }
}

function statusOf(row: ApiKeyRow, nowMs: number): KeyItem['status'] {
  if (row.revoked_at) return 'revoked'
  return row.expires_at && row.expires_at.getTime() <= nowMs ? 'expired' : 'active'
}

function readExpiry(text: string | null, nowMs: number): Date | null {
  if (text === null) return null
  const expiresAt = new Date(text)
  if (expiresAt.getTime() > nowMs) return expiresAt
  throw new AppError('malformed_request', { message: 'expires_at: must be a time in the future.' })
}

async function selectOne(tx: Queryable, sql: string, values: readonly unknown[]): Promise<ApiKeyRow> {
  const { rows } = await tx.query<ApiKeyRow>(sql, values)
  if (!rows[0]) throw new Error('a statement on one key answered no row')
  return rows[0]
}
