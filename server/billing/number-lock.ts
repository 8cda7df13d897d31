// The lock under which invoice numbers are given: without it two would get the same one, or a gap would stay.
import { AppError } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'

/** Key of the advisory lock; any number that no other room uses. */
const lockKey = 7_240_131

/** Until `tx` ends. */
export async function lockNumbers(tx: Queryable): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [lockKey])
}

/** The same for changes that must not wait for a whole run. Throws AppError `conflict`. */
export async function lockNumbersNow(tx: Queryable): Promise<void> {
  const { rows } = await tx.query<{ locked: boolean }>('select pg_try_advisory_xact_lock($1) as locked', [
    lockKey,
  ])
  if (rows[0]?.locked) return
  throw new AppError('conflict', {
    message: 'Invoices are being issued at this moment. Try again in a minute.',
  })
}
