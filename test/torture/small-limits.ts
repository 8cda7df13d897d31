// A gateway with deadlines of seconds, so that each can be waited for.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Gateway, openFolder, startGateway } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { testSecrets } from '../support/storage.ts'

/** Each deadline of client and upstream. */
export const smallDeadlineMs = 3000
/** Some deadlines are looked at only as often as they are long, by timers of a second's precision, on a busy machine. */
export const closedByMs = 2 * smallDeadlineMs + 2500

export async function startWithSmallLimits(scope: Scope, downstreamUrl: string): Promise<Gateway> {
  const folder = await openFolder(scope)
  const limits = { headers_timeout_ms: smallDeadlineMs, body_idle_timeout_ms: smallDeadlineMs }
  await writeFile(join(folder, 'sallyport.yaml'), JSON.stringify({ limits }))
  const env = {
    ...testSecrets,
    DOWNSTREAM_URL: downstreamUrl,
    BIND_NEW_PER_MINUTE: '0',
    LOG_LEVEL: 'warn',
    UPSTREAM_HEADERS_TIMEOUT_MS: String(smallDeadlineMs),
    UPSTREAM_IDLE_TIMEOUT_MS: String(smallDeadlineMs),
  }
  return startGateway(scope, { env, folder })
}
