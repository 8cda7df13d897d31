// Mails that must arrive: queued with what they are about, written when they are sent, tried again for a day.
import { createHash } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Queryable, Store } from '../store/store.ts'
import { createSmtpSender, MailRefusedError, type SmtpSender } from './smtp.ts'

export type Mail = {
  /** One address, or several with commas between. */
  to: string
  subject: string
  text: string
  html?: string
  attachments?: { filename: string; contentType: string; content: Buffer }[]
}

/** What a room wants to hear of its mails; both must be idempotent, as a mail may be sent more than once. */
export type MailOutcomes<Data> = {
  delivered?(data: Data): Promise<void>
  /** The server will never take it (no such mailbox, too large); `reason` is its answer. */
  refused?(data: Data, reason: string): Promise<void>
}

export type MailOutbox = {
  /** False: no mail server is configured, and nothing is queued. */
  isMailConfigured(): boolean
  /** Says how a kind of mail is written, at each attempt to send it; null from `render` drops it. Called once, before work starts. */
  registerMail<Data extends object>(
    kind: string,
    render: (data: Data) => Promise<Mail | null>,
    outcomes?: MailOutcomes<Data>,
  ): Promise<void>
  /** Queues one mail inside `tx`; the same `key` is queued once while it waits. `data` is small JSON without secrets. */
  enqueueMail(tx: Queryable, kind: string, data: object, key: string): Promise<void>
}

export type MailDependencies = {
  config: Pick<Config, 'smtpUrl' | 'mailFrom'>
  jobs: Pick<Store['jobs'], 'queue' | 'enqueue'>
  clock: Clock
  logger: Logger
}

type QueuedMail = { key: string; data: object }

export function createMailOutbox({ config, jobs, clock, logger }: MailDependencies): MailOutbox {
  const { smtpUrl, mailFrom } = config
  const sender = smtpUrl && mailFrom ? createSmtpSender({ url: smtpUrl, from: mailFrom, clock }) : null

  return {
    isMailConfigured: () => sender !== null,
    async registerMail(kind, render, outcomes = {}) {
      // A queue for each kind: thousands of invoices must not stand before an alert.
      await jobs.queue<QueuedMail>(queueOf(kind), async ({ key, data }) => {
        const told = { component: 'notify', detail: kind }
        if (!sender)
          return logger.warn('a queued mail was dropped: no mail server is configured any more', told)
        // What was queued is what this kind's own `enqueueMail` was given.
        const given = data as Parameters<typeof render>[0]
        const mail = await render(given)
        if (!mail) return logger.info('a queued mail was dropped: there is nothing to say any more', told)
        const refusal = await attempt(sender, mail, `${kind}:${key}`)
        if (refusal) {
          logger.warn('a mail was refused for good', { ...told, error: refusal })
          return outcomes.refused?.(given, refusal.message)
        }
        return outcomes.delivered?.(given)
      })
    },
    async enqueueMail(tx, kind, data, key) {
      if (!sender) return
      const queued: QueuedMail = { key, data }
      await jobs.enqueue(tx, queueOf(kind), queued, key)
    },
  }
}

/** Null when the server took it. Throws when it can be tried again. */
async function attempt(sender: SmtpSender, mail: Mail, identity: string): Promise<MailRefusedError | null> {
  try {
    await sender.send(mail, createHash('sha256').update(identity).digest('hex').slice(0, 32))
    return null
  } catch (error) {
    if (error instanceof MailRefusedError) return error
    throw error
  }
}

function queueOf(kind: string): string {
  return `mail-${kind}`
}
