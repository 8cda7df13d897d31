// Door of the outbox: messages that must arrive, queued in the database and retried; a dead receiver slows nobody.
import type { Settings } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Queryable, Store } from '../store/store.ts'
import { createMailOutbox, type MailOutbox } from './mail.ts'
import { createWebhookSender } from './webhook.ts'

export type { Mail, MailOutbox, MailOutcomes } from './mail.ts'
export { createSmtpSender, MailRefusedError } from './smtp.ts'

export type Notify = MailOutbox & {
  /** Queues one webhook inside `tx`; the same `key` is queued once. Nothing is queued while no address is set. */
  enqueueWebhook(tx: Queryable, body: object, key: string): Promise<void>
  close(): Promise<void>
}

export type NotifyDependencies = {
  config: Pick<Config, 'alertWebhookSecret' | 'smtpUrl' | 'mailFrom'>
  store: Pick<Store, 'jobs'>
  clock: Clock
  logger: Logger
  settings(): Pick<Settings, 'alert_webhook_url'>
}

const webhookQueue = 'webhooks'
type QueuedWebhook = { key: string; body: string }

export async function createNotify(dependencies: NotifyDependencies): Promise<Notify> {
  const { config, store, clock, logger, settings } = dependencies
  const sender = createWebhookSender({ secret: config.alertWebhookSecret, clock })

  await store.jobs.queue<QueuedWebhook>(webhookQueue, async ({ key, body }) => {
    // The address of this moment: a corrected one also receives what waits.
    const url = settings().alert_webhook_url
    if (!url)
      return logger.warn('a queued webhook was dropped: no address is set any more', { component: 'notify' })
    try {
      await sender.send(url, { deliveryId: key, body })
    } catch (error) {
      logger.warn('a webhook was not delivered, it is tried again', { component: 'notify', error })
      throw error
    }
  })

  return {
    ...createMailOutbox({ config, jobs: store.jobs, clock, logger }),
    async enqueueWebhook(tx, body, key) {
      if (!settings().alert_webhook_url) return
      const queued: QueuedWebhook = { key, body: JSON.stringify(body) }
      await store.jobs.enqueue(tx, webhookQueue, queued, key)
    },
    close: sender.close,
  }
}
