// Doctor's questions to the running gateway: is it ready, and which proxies does it hear but not believe.
import { diagnosticsAnswer } from '@sallyport/contract'
import { createAdminClient } from './admin-client.ts'
import { CommandFailure } from './failure.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import { formatTime } from './table.ts'
import { findTarget, type RemoteOptions, type Target } from './target.ts'
import type { Terminal } from './terminal.ts'

const deadlineMs = 3000

export async function checkGateway(terminal: Terminal, options: RemoteOptions): Promise<Finding[]> {
  const target = findTarget(terminal, options)
  const readiness = await checkReadiness(target)
  if (readiness === null) {
    const remedy = "Start it with 'sallyport start', or name another one with --url."
    return [warning(`no gateway runs at ${target.url}`, remedy)]
  }
  try {
    return [readiness, ...(await checkUntrustedPeers(terminal, target))]
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    return [
      readiness,
      warning(error.message, 'Without it the running gateway cannot be asked for its proxies.'),
    ]
  }
}

/** Null when nothing listens there. */
async function checkReadiness({ url }: Target): Promise<Finding | null> {
  const response = await fetch(`${url}/health/ready`, {
    redirect: 'manual',
    signal: AbortSignal.timeout(deadlineMs),
  }).catch(() => null)
  if (response === null) return null
  const text = await response.text().catch(() => '')
  if (response.ok) return ok(`the gateway at ${url} is ready`)
  return failure(
    `the gateway at ${url} is not ready (${response.status}): ${text.slice(0, 500)}`,
    'The answer names the component that is away; its log says why.',
  )
}

async function checkUntrustedPeers(terminal: Terminal, target: Target): Promise<Finding[]> {
  const client = createAdminClient(terminal, target)
  const { value } = await client.call('GET', '/admin/api/diagnostics', diagnosticsAnswer, { deadlineMs })
  const peers = value.untrusted_real_ip_peers
  if (peers.length === 0) return [ok('no unlisted peer sent X-Real-IP')]
  return peers.map(({ address, count, last_seen_at: lastSeenAt }) =>
    warning(
      `${address} sent X-Real-IP ${count} times without being trusted (last ${formatTime(lastSeenAt)})`,
      `If it is your proxy, add it: TRUSTED_PROXY_IPS=${address}. If not, somebody tries to forge addresses.`,
    ),
  )
}
