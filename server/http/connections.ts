// What is known of each client connection: its peer, whether that peer is a trusted proxy, and its last request.
import type { Socket } from 'node:net'
import { createRangeMatcher, type IpAddress, type IpRange, parseIpAddress } from '../lib/ip-address.ts'
import type { Call } from './call-context.ts'

export type Connection = {
  readonly peer: IpAddress
  readonly isTrusted: boolean
  /** Something on it was ambiguous: whatever follows is never read. */
  refused: boolean
  latestCall: Call | null
}

export type Connections = {
  open(socket: Socket): void
  /** Null when the peer was gone before its address could be read. */
  of(socket: Socket): Connection | null
  /** Open now. */
  count(): number
}

export function createConnections(trustedProxyIps: readonly IpRange[]): Connections {
  const isTrustedProxy = createRangeMatcher(trustedProxyIps)
  const connections = new WeakMap<Socket, Connection>()
  let openCount = 0
  return {
    open(socket) {
      openCount++
      socket.once('close', () => openCount--)
      const peer = parseIpAddress(withoutZone(socket.remoteAddress ?? ''))
      if (peer === null) return
      const isTrusted = trustedProxyIps.length > 0 && isTrustedProxy(peer)
      connections.set(socket, { peer, isTrusted, refused: false, latestCall: null })
    },
    of: (socket) => connections.get(socket) ?? null,
    count: () => openCount,
  }
}

/** The kernel names the interface of a link-local peer; it is no part of the address. */
function withoutZone(text: string): string {
  const zone = text.indexOf('%')
  return zone < 0 ? text : text.slice(0, zone)
}
