// Sends one mail by SMTP: a connection for each, within deadlines, encrypted wherever a password is sent.
import { BlockList, isIP } from 'node:net'
import type { Transporter } from 'nodemailer'
import type { Clock } from '../lib/clock.ts'
import type { Secret } from '../lib/secret.ts'
import type { Mail } from './mail.ts'

const connectDeadlineMs = 10_000
const silenceDeadlineMs = 30_000
/** For the whole of it: 25 MB on a slow line. */
const sendDeadlineMs = 120_000

/** The server will not take this mail however often it is tried. */
export class MailRefusedError extends Error {
  constructor(answer: string) {
    super(answer)
    this.name = 'MailRefusedError'
  }
}

export type SmtpSender = {
  /** `identity` becomes the Message-ID: who gets a mail twice can tell. Throws MailRefusedError, or what may pass with time. */
  send(mail: Mail, identity: string): Promise<void>
  /** Connects and signs in, without a mail. Throws when that fails. */
  verify(): Promise<void>
}

export function createSmtpSender(options: { url: Secret; from: string; clock: Clock }): SmtpSender {
  const { url, from, clock } = options
  let transport: Promise<Transporter> | null = null

  /** Loaded with the first mail: many installations send none. */
  async function loadTransport(): Promise<Transporter> {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      ...readServer(url),
      connectionTimeout: connectDeadlineMs,
      greetingTimeout: connectDeadlineMs,
      dnsTimeout: connectDeadlineMs,
      socketTimeout: silenceDeadlineMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }

  function openTransport(): Promise<Transporter> {
    transport ??= loadTransport()
    return transport
  }

  const domain = /@([^\s>]+)>?$/.exec(from)?.[1] ?? 'localhost'
  return {
    async send(mail, identity) {
      const limit = new AbortController()
      const timer = clock.after(sendDeadlineMs, () => limit.abort(new Error('the mail server is too slow')))
      const messageId = `<${identity}@${domain}>`
      try {
        await (await openTransport()).sendMail({ ...mail, from, messageId, signal: limit.signal })
      } catch (error) {
        throw isForGood(error) ? new MailRefusedError(describeAnswer(error)) : error
      } finally {
        timer.cancel()
      }
    },
    async verify() {
      await (await openTransport()).verify()
    },
  }
}

function readServer(url: Secret) {
  const { protocol, hostname, port, username, password } = new URL(url.reveal())
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'smtps:'
  return {
    host,
    port: port ? Number(port) : secure ? 465 : username ? 587 : 25,
    secure,
    // Otherwise somebody on the line could take the offer of STARTTLS out and read the password.
    requireTLS: !secure && username !== '' && !isLoopback(host),
    ...(username ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } } : {}),
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

function isLoopback(host: string): boolean {
  const family = isIP(host)
  return family === 0 ? host === 'localhost' : loopback.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * A 5xx about the recipient or the content. One about the sign-in or the sender is the operator's to mend, and the mail
 * waits for that.
 */
function isForGood(error: unknown): error is Error {
  if (!(error instanceof Error) || !('responseCode' in error) || !('command' in error)) return false
  const { responseCode, command } = error
  return typeof responseCode === 'number' && responseCode >= 500 && /^(RCPT TO|DATA)$/.test(String(command))
}

function describeAnswer(error: Error): string {
  const answer = 'response' in error && typeof error.response === 'string' ? error.response : error.message
  return answer.slice(0, 300)
}
