// /admin/api/users: end users with their state, how far their onboarding is and the providers they brought a key for, never a key.
import { rowParams, type UserItem, userItem, usersPage, usersQuery } from '@sallyport/contract'
import type { User, Users } from '../identity/identity.ts'
import type { KeyMode, Sessions } from '../onboarding/onboarding.ts'
import type { Vault } from '../vault/vault.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'

export type UserRouteDependencies = {
  users: Users
  vault: Pick<Vault, 'listProviders'>
  onboarding: { readonly mode: KeyMode; sessions: Pick<Sessions, 'states'> }
}

const path = '/admin/api/users'
const tags = ['users']

/** They are changed by the routes of clients, which they are. */
export function addUserRoutes(api: WebApi, { users, vault, onboarding }: UserRouteDependencies): void {
  async function describe(found: readonly User[]): Promise<UserItem[]> {
    if (found.length === 0) return []
    const ids = found.map(({ id }) => id)
    const [providers, states] = await Promise.all([vault.listProviders(ids), onboarding.sessions.states(ids)])
    return found.map((user) => ({
      ...user,
      providers: providers.get(user.id) ?? [],
      onboarding: states.get(user.id) ?? null,
    }))
  }

  const listSchema = {
    tags,
    summary: 'List end users',
    querystring: usersQuery,
    response: answers(usersPage),
  }
  api.get(path, { schema: listSchema }, async ({ query }) => {
    const list = await users.list(query)
    return { ...list, items: await describe(list.items), key_mode: onboarding.mode }
  })

  const getSchema = { tags, summary: 'One end user', params: rowParams, response: answers(userItem) }
  api.get(`${path}/:id`, { schema: getSchema }, async ({ params: { id } }) => {
    const user = await users.get(id)
    const [item] = user ? await describe([user]) : []
    if (!item) throw notFound(`There is no end user with the id ${id}.`)
    return item
  })
}
