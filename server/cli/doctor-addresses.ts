// Doctor's look at listener, public address and trusted proxies: values that are valid each, but wrong together.
import type { Config } from '../config/config.ts'
import { type Finding, failure, ok, warning } from './finding.ts'
import { isLoopback } from './target.ts'

export type AddressConfig = Pick<
  Config,
  'appPort' | 'host' | 'publicUrl' | 'trustedProxyIps' | 'downstreamUrl' | 'bindingMode' | 'failsafeMode'
>

/** Prefixes shorter than these hold more networks than any operator owns. */
const widestPrefix = { 4: 8, 6: 16 } as const

export function checkAddresses(config: AddressConfig): Finding[] {
  const findings = [
    ...checkPlainHttp(config),
    ...checkTrustedProxies(config),
    ...checkOwnTail(config),
    ...checkModes(config),
  ]
  if (findings.length > 0) return findings
  return [ok(`listener ${config.host}, public address ${config.publicUrl ?? 'not set'}`)]
}

function checkPlainHttp({ host, publicUrl }: AddressConfig): Finding[] {
  const findings: Finding[] = []
  if (!isLoopback(host) && !publicUrl?.startsWith('https://')) {
    findings.push(
      warning(
        `plain HTTP on ${host}: tokens and the admin password cross the network readable`,
        'Put nginx or Caddy with TLS in front, set HOST=127.0.0.1 and PUBLIC_URL=https://… (docs/operate.md).',
      ),
    )
  }
  if (publicUrl !== null && isLoopback(new URL(publicUrl).hostname) && !isLoopback(host)) {
    findings.push(
      warning(
        `PUBLIC_URL is ${publicUrl}, which only this machine can reach, but HOST is ${host}`,
        'Set PUBLIC_URL to the address that clients use.',
      ),
    )
  }
  return findings
}

function checkTrustedProxies({ publicUrl, host, trustedProxyIps }: AddressConfig): Finding[] {
  const findings: Finding[] = []
  for (const range of trustedProxyIps) {
    if (range.prefix >= widestPrefix[range.family]) continue
    findings.push(
      warning(
        `TRUSTED_PROXY_IPS holds ${range.text}: nearly anyone may then claim any address by X-Real-IP`,
        'List only the addresses of your own proxies.',
      ),
    )
  }
  const behindProxy = isLoopback(host) || publicUrl?.startsWith('https://')
  if (publicUrl !== null && behindProxy && trustedProxyIps.length === 0) {
    findings.push(
      warning(
        'PUBLIC_URL says that a proxy stands in front, but TRUSTED_PROXY_IPS is empty: all clients appear with the address of the proxy',
        'Set TRUSTED_PROXY_IPS to the address from which the proxy connects, e.g. 127.0.0.1, and let it set X-Real-IP.',
      ),
    )
  }
  return findings
}

/** A gateway that forwards to itself goes in circles until its limits end it. */
function checkOwnTail({ downstreamUrl, publicUrl, host, appPort }: AddressConfig): Finding[] {
  if (downstreamUrl === null) return []
  const target = new URL(downstreamUrl)
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80))
  const isListener = port === appPort && (isLoopback(target.hostname) || target.hostname === host)
  const isPublic = publicUrl !== null && target.host === new URL(publicUrl).host
  if (!isListener && !isPublic) return []
  return [
    failure(
      `DOWNSTREAM_URL is ${downstreamUrl}, which is this gateway itself`,
      'Set DOWNSTREAM_URL to the service behind, e.g. http://new-api:3000.',
    ),
  ]
}

function checkModes({ bindingMode, failsafeMode }: AddressConfig): Finding[] {
  const findings: Finding[] = []
  if (bindingMode === 'observe') {
    findings.push(
      warning(
        'BINDING_MODE is observe: calls from wrong addresses are written down but let through',
        'Remove BINDING_MODE once the logs show no intercepts of rightful clients.',
      ),
    )
  }
  if (failsafeMode === 'open') {
    findings.push(
      warning(
        'SENTINEL_FAILSAFE_MODE is open: calls pass unchecked while database and Redis are away',
        'Set it to closed unless you prefer an unchecked call to a refused one.',
      ),
    )
  }
  return findings
}
