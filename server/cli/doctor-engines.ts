// Doctor's look at Redis and the downstream, each within a deadline.
import type { Config } from '../config/config.ts'
import { systemClock } from '../lib/clock.ts'
import { type Finding, failure, messageOf, ok, warning } from './finding.ts'

const connectDeadlineMs = 3000

export async function checkRedis(
  config: Pick<Config, 'redisAddr' | 'redisPassword'>,
  deadlineMs = connectDeadlineMs,
): Promise<Finding[]> {
  if (config.redisAddr === null) return []
  const { createClient } = await import('@redis/client')
  const client = createClient({
    url: config.redisAddr.reveal(),
    ...(config.redisPassword ? { password: config.redisPassword.reveal() } : {}),
    socket: { connectTimeout: deadlineMs, reconnectStrategy: false },
    disableOfflineQueue: true,
  })
  // Failures arrive at the awaited calls below; without a listener the same error would end the process.
  client.on('error', () => undefined)
  try {
    await Promise.race([client.connect().then(() => client.ping()), silence(deadlineMs)])
    return [ok('Redis answers')]
  } catch (error) {
    return [failure(`Redis of REDIS_ADDR: ${messageOf(error)}`, 'Check REDIS_ADDR and REDIS_PASSWORD.')]
  } finally {
    if (client.isOpen) client.destroy()
  }
}

/** Connects and signs in; no mail is sent. */
export async function checkMail(config: Pick<Config, 'smtpUrl' | 'mailFrom'>): Promise<Finding[]> {
  const { smtpUrl: url, mailFrom: from } = config
  if (url === null || from === null) return []
  const { createSmtpSender } = await import('../notify/notify.ts')
  try {
    await createSmtpSender({ url, from, clock: systemClock }).verify()
    return [ok('the mail server answers and lets us in')]
  } catch (error) {
    const remedy =
      'Check SMTP_URL: host, port, user and password, and smtps:// where TLS is spoken from the start.'
    return [failure(`mail server of SMTP_URL: ${messageOf(error)}`, remedy)]
  }
}

/** Rejects once the deadline has passed: a server may take the connection and then say nothing. */
function silence(deadlineMs: number): Promise<never> {
  return new Promise((_resolve, reject) => {
    AbortSignal.timeout(deadlineMs).addEventListener('abort', () => reject(new Error('no answer in time')))
  })
}

/** Any HTTP answer will do: a downstream may well refuse a call without a credential. */
export async function checkDownstream(downstreamUrl: string | null): Promise<Finding> {
  if (downstreamUrl === null) {
    return warning(
      'DOWNSTREAM_URL is not set: calls that are not ours get 404',
      'Set it to the service behind the gateway, e.g. DOWNSTREAM_URL=http://new-api:3000.',
    )
  }
  try {
    const signal = AbortSignal.timeout(connectDeadlineMs)
    const response = await fetch(downstreamUrl, { redirect: 'manual', signal })
    await response.body?.cancel()
    return ok(`downstream ${downstreamUrl} answers (${response.status})`)
  } catch (error) {
    return failure(
      `downstream ${downstreamUrl}: ${messageOf(error)}`,
      'Check DOWNSTREAM_URL and whether that service runs and can be reached from here.',
    )
  }
}
