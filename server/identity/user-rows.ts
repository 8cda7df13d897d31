// Rows of end users: clients by (issuer, subject), made at the first call of each.
import { randomUUID } from 'node:crypto'
import type { Database, UsedRow } from '../store/store.ts'
import { type ClientColumns, clientColumnsOf, clientPart, lookUpDeadlineMs } from './caller-rows.ts'
import type { Found } from './credential-cache.ts'
import { clientTag } from './identity-changes.ts'
import type { Principal } from './principal.ts'
import type { VerifiedUser } from './user-token.ts'

/** `id` is the client's; `principal` is null while it is suspended. */
export type UserState = UsedRow & { principal: Principal | null }

/** Null when nobody of this issuer and subject has called yet. */
export async function readUserState(
  database: Database,
  { issuer, subject }: VerifiedUser,
): Promise<Found<UserState> | null> {
  const { rows } = await database.query<ClientColumns>(
    `select ${clientColumnsOf} from clients where issuer = $1 and subject = $2`,
    [issuer, subject],
    { deadlineMs: lookUpDeadlineMs },
  )
  const [row] = rows
  if (!row) return null
  const principal = row.client_status === 'active' ? toUserPrincipal(row, subject) : null
  return { value: { id: row.client_id, touched: false, principal }, tags: [clientTag(row.client_id)] }
}

/** Makes the client unless another call was quicker. Its external id holds a colon, as no id that an admin gives can. */
export async function insertUser(database: Database, user: VerifiedUser): Promise<void> {
  await database.query(
    `insert into clients (external_id, name, email, issuer, subject) values ($1, $2, $3, $4, $5)
     on conflict (issuer, subject) do nothing`,
    [
      `user:${randomUUID()}`,
      user.name ?? user.email?.slice(0, 200) ?? user.subject.slice(0, 200),
      user.email,
      user.issuer,
      user.subject,
    ],
    { deadlineMs: lookUpDeadlineMs },
  )
}

/** Its name in limits and usage. */
function userCredential(clientId: number): string {
  return `user:${clientId}`
}

function toUserPrincipal(row: ClientColumns, subject: string): Principal {
  return Object.freeze({
    ...clientPart(row),
    kind: 'user',
    credential: userCredential(row.client_id),
    display: userCredential(row.client_id),
    userId: subject,
    scopes: null,
    models: null,
    requestsPerMinute: null,
    isBound: false,
    device: null,
  })
}
