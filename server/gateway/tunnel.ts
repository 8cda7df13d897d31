// Joins the two sockets of a WebSocket after the upstream agreed: bytes pass both ways until one side ends.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { CallContext, Tunnel } from '../http/http.ts'

export type TunnelEnds = {
  response: ServerResponse
  context: CallContext
  tunnel: Tunnel
  /** Headers for the client, a flat list. */
  headers: readonly string[]
  upstream: Socket
  /** Silence of both sides after which the tunnel is cut. */
  idleMs: number
  /** Told once when the tunnel has ended and its bytes are counted. */
  onEnd(): void
}

export function joinTunnel(ends: TunnelEnds): void {
  const { response, context, tunnel, upstream, idleMs, onEnd } = ends
  const client = tunnel.socket
  // From here on the socket carries no HTTP; the status stays for the log line.
  response.detachSocket(client)
  response.statusCode = 101
  client.write(renderHead(ends.headers), 'latin1')
  if (tunnel.head.length > 0) upstream.write(tunnel.head)
  for (const socket of [client, upstream]) {
    socket.setNoDelay(true)
    // Bytes of either direction are read from one socket and written to the other, so they wake both.
    socket.setTimeout(idleMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
  }
  const [readBefore, writtenBefore] = [client.bytesRead, client.bytesWritten]
  // Before the listener that writes the log line.
  client.prependOnceListener('close', () => {
    context.bytesIn = client.bytesRead - readBefore
    context.bytesOut = client.bytesWritten - writtenBefore
    onEnd()
    upstream.destroy()
  })
  // What the upstream said last still reaches the client.
  upstream.once('close', () => client.destroySoon())
  client.pipe(upstream)
  upstream.pipe(client)
}

function renderHead(headers: readonly string[]): string {
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (let index = 0; index < headers.length; index += 2)
    head += `${headers[index]}: ${headers[index + 1]}\r\n`
  return `${head}\r\n`
}
