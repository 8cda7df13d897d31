// The account's current epoch, held in memory only as long as change notices prove it current.
import type { Notices, Queryable } from '../store/store.ts'
import { accountTopic, readAdminAccount } from './admin-account.ts'

export type AdminEpoch = {
  /** Reads the database unless the epoch in memory is proven current. Throws EngineAwayError. */
  current(): Promise<number>
  /** Calls `handle` for each change heard of. */
  onChange(handle: (epoch: number) => void): void
  close(): void
}

export function createAdminEpoch(dependencies: { database: Queryable; notices: Notices }): AdminEpoch {
  const { database, notices } = dependencies
  const handlers: ((epoch: number) => void)[] = []
  let known: number | null = null
  let gaps = 0

  // An epoch only grows, so of a notice and a slower read the larger one is right.
  const learn = (epoch: number) => {
    known = Math.max(known ?? 0, epoch)
  }
  const unsubscribe = notices.subscribe(accountTopic, (payload) => {
    if (typeof payload !== 'number') return
    learn(payload)
    for (const handle of handlers) handle(payload)
  })
  const unsubscribeGap = notices.onGap(() => {
    known = null
    gaps++
  })

  return {
    async current() {
      if (known !== null && notices.isFresh()) return known
      const gapsBefore = gaps
      const epoch = (await readAdminAccount(database))?.epoch ?? 0
      if (gaps === gapsBefore) learn(epoch)
      return epoch
    },
    onChange(handle) {
      handlers.push(handle)
    },
    close() {
      unsubscribe()
      unsubscribeGap()
    },
  }
}
