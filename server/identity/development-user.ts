// The one user of development mode: made at its first call, and no user of any issuer.
import type { Database, LastUsed } from '../store/store.ts'
import type { Principal } from './principal.ts'
import { insertUser, readUserState } from './user-rows.ts'

/** No issuer has this name: theirs are addresses. */
const user = { issuer: 'sallyport:development', subject: 'dev', name: 'dev', email: null }

/** Read anew each time: one person at one machine. */
export async function openDevelopmentUser(database: Database, uses: LastUsed): Promise<Principal | null> {
  const known = { ...user, expiresAtMs: Number.POSITIVE_INFINITY }
  let found = await readUserState(database, known)
  if (!found) {
    await insertUser(database, known)
    found = await readUserState(database, known)
  }
  if (!found?.value.principal) return null
  uses.touch(found.value)
  return found.value.principal
}
