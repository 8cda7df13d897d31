// End users as the admin looks them up: clients that an identity provider vouched for. They are changed as clients are.
import type { UsersQuery } from '@sallyport/contract'
import {
  type Conditions,
  createConditions,
  type Database,
  prefixPattern,
  selectPage,
} from '../store/store.ts'
import type { User, Users } from './caller-types.ts'

type UserRow = {
  id: number
  subject: string
  issuer: string
  name: string
  email: string | null
  status: 'active' | 'suspended'
  shared_keys: boolean
  created_at: Date
  last_seen_at: Date | null
}

/** As a list sees them: no client that an admin made. */
const users = '(select * from clients where issuer is not null) as users'
const columns = 'id, subject, issuer, name, email, status, shared_keys, created_at, last_seen_at'

export function createUsers(database: Database): Users {
  return {
    async list(query) {
      const page = await selectPage<UserRow>(database, {
        table: users,
        columns,
        order: ['id'],
        conditions: userConditions(query),
        page: query.page,
        pageSize: query.page_size,
      })
      return { ...page, items: page.items.map(toUser) }
    },

    async get(clientId) {
      const { rows } = await database.query<UserRow>(`select ${columns} from ${users} where id = $1`, [
        clientId,
      ])
      return rows[0] ? toUser(rows[0]) : null
    },
  }
}

function userConditions(query: UsersQuery): Conditions {
  const conditions = createConditions()
  if (query.status !== undefined) conditions.add((value) => `status = ${value}`, query.status)
  if (query.q !== undefined) {
    // Each branch is an index look-up. Letter case tells subjects apart, names and addresses not.
    conditions.add(
      (value) =>
        `id in (select id from clients where lower(name) like lower(${value})
          union all select id from clients where lower(email) like lower(${value})
          union all select id from clients where issuer is not null and subject like ${value})`,
      prefixPattern(query.q),
    )
  }
  return conditions
}

function toUser(row: UserRow): User {
  return {
    id: row.id,
    user_id: row.subject,
    issuer: row.issuer,
    name: row.name,
    email: row.email,
    status: row.status,
    shared_keys: row.shared_keys,
    created_at: row.created_at.toISOString(),
    last_seen_at: row.last_seen_at?.toISOString() ?? null,
  }
}
