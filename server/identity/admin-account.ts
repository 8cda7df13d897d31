// The admin's account: one row with the password's digest and the epoch that every session must carry.
import { randomInt } from 'node:crypto'
import { AppError } from '@sallyport/contract'
import { Secret } from '../lib/secret.ts'
import type { Notices, Queryable } from '../store/store.ts'
import { hashPassword, isPasswordCorrect } from './password-hash.ts'

/** Notice topic; the payload is the account's new epoch. */
export const accountTopic = 'admin_account'
const passwordLengthMin = 12

export type AdminAccount = { passwordHash: string; epoch: number }

/** Writes a change of the account into the audit chain, in the same transaction. */
export type RecordAccountChange = (
  tx: Queryable,
  change: { action: string; target: string; before: unknown; after: unknown },
) => Promise<void>

export type AccountDependencies = {
  database: Queryable & { transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> }
  publish: Notices['publish']
  record: RecordAccountChange
}

export async function readAdminAccount(database: Queryable): Promise<AdminAccount | null> {
  const { rows } = await database.query<{ password_hash: string; epoch: number }>(
    'select password_hash, epoch from admin_account where id = 1',
  )
  const row = rows[0]
  return row ? { passwordHash: row.password_hash, epoch: row.epoch } : null
}

/**
 * Makes the account when there is none and sets its password to `configured` (the environment is the truth).
 * Returns the password that was generated because none is configured, to be shown once; else null.
 * Of several processes at once one makes the change, the others find it made.
 */
export async function ensureAdminAccount(
  dependencies: AccountDependencies,
  configured: Secret | null,
): Promise<Secret | null> {
  for (;;) {
    const account = await readAdminAccount(dependencies.database)
    if (!account) {
      const password = configured ?? generatePassword()
      if (await createAccount(dependencies, password)) return configured ? null : password
    } else {
      if (!configured || (await isPasswordCorrect(configured.reveal(), account.passwordHash))) return null
      if (await replacePassword(dependencies, configured, account)) return null
    }
  }
}

/**
 * Sets a new password (generated unless given), which ends every session and voids the local token.
 * Throws AppError `malformed_request` for a password that is too short, `not_found` before the first start.
 */
export async function resetAdminPassword(
  dependencies: AccountDependencies,
  password: Secret = generatePassword(),
): Promise<Secret> {
  if (password.reveal().length < passwordLengthMin) {
    throw new AppError('malformed_request', {
      message: `password: must have at least ${passwordLengthMin} characters. Choose a longer one.`,
    })
  }
  for (;;) {
    const account = await readAdminAccount(dependencies.database)
    if (!account) {
      throw new AppError('not_found', { message: 'There is no admin account yet: start the gateway once.' })
    }
    if (await replacePassword(dependencies, password, account)) return password
  }
}

/** False when another process made the account first. */
async function createAccount(dependencies: AccountDependencies, password: Secret): Promise<boolean> {
  const passwordHash = await hashPassword(password.reveal())
  return dependencies.database.transaction(async (tx) => {
    const { rowCount } = await tx.query(
      'insert into admin_account (id, password_hash) values (1, $1) on conflict do nothing',
      [passwordHash],
    )
    if (rowCount === 0) return false
    await dependencies.record(tx, {
      action: 'admin.account_created',
      target: 'admin',
      before: null,
      after: { epoch: 1 },
    })
    return true
  })
}

/** False when the account is no longer what `from` says: another process changed it in between. */
async function replacePassword(
  dependencies: AccountDependencies,
  password: Secret,
  from: AdminAccount,
): Promise<boolean> {
  const passwordHash = await hashPassword(password.reveal())
  const epoch = from.epoch + 1
  return dependencies.database.transaction(async (tx) => {
    const { rowCount } = await tx.query(
      `update admin_account set password_hash = $1, epoch = $2, changed_at = now()
       where id = 1 and epoch = $3`,
      [passwordHash, epoch, from.epoch],
    )
    if (rowCount === 0) return false
    await dependencies.record(tx, {
      action: 'admin.password_changed',
      target: 'admin',
      before: { epoch: from.epoch },
      after: { epoch },
    })
    await dependencies.publish(tx, accountTopic, epoch)
    return true
  })
}

/** 99 random bits in groups that can be read aloud and typed: no letter or digit looks like another. */
function generatePassword(): Secret {
  const letters = '23456789abcdefghjkmnpqrstuvwxyz'
  const group = () => Array.from({ length: 4 }, () => letters[randomInt(letters.length)]).join('')
  return new Secret(Array.from({ length: 5 }, group).join('-'))
}
