// A real SMTP server for tests: keeps what it receives, and answers as the test says.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export type ReceivedMail = { from: string; to: string[]; mail: Email; raw: Buffer }

export type MailServer = {
  url: string
  port: number
  received: ReceivedMail[]
  /** Mails that were offered, also those that were refused. */
  attempts(): number
  close(): Promise<void>
}

/** What the server says to an offered mail in turn, e.g. `{ at: 'data', code: 451 }`; then it takes everything. */
export type Refusal = { at: 'rcpt' | 'data'; code: number }

export async function startMailServer(
  options: { refusals?: Refusal[]; account?: { user: string; password: string }; port?: number } = {},
): Promise<MailServer> {
  const { refusals = [], account, port = 0 } = options
  const received: ReceivedMail[] = []
  let attempts = 0
  const refuse = (place: Refusal['at']) => {
    if (refusals[0]?.at !== place) return null
    const code = refusals.shift()?.code ?? 451
    return Object.assign(new Error('not now'), { responseCode: code })
  }
  const handlers: SMTPServerOptions = {
    onAuth(auth, _session, done) {
      const isRight = auth.username === account?.user && auth.password === account?.password
      done(isRight ? null : new Error('wrong'), isRight ? { user: auth.username } : undefined)
    },
    onRcptTo(_address, _session, done) {
      attempts += 1
      done(refuse('rcpt'))
    },
    onData(stream, session, done) {
      void buffer(stream).then(async (raw) => {
        const refusal = refuse('data')
        if (refusal) return done(refusal)
        const { mailFrom, rcptTo } = session.envelope
        const from = mailFrom ? mailFrom.address : ''
        received.push({
          from,
          to: rcptTo.map(({ address }) => address),
          mail: await PostalMime.parse(raw),
          raw,
        })
        done()
      })
    },
  }
  const server = new SMTPServer({
    disabledCommands: account ? ['STARTTLS'] : ['AUTH', 'STARTTLS'],
    authOptional: account === undefined,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    logger: false,
    ...handlers,
  })
  server.on('error', () => undefined)
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  const taken = (server.server.address() as AddressInfo).port
  const login = account ? `${encodeURIComponent(account.user)}:${encodeURIComponent(account.password)}@` : ''
  return {
    url: `smtp://${login}127.0.0.1:${taken}`,
    port: taken,
    received,
    attempts: () => attempts,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
