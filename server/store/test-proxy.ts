// A TCP proxy for tests that can fall silent: connections stay open and nothing passes, as when a host vanishes without a word.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type SilentProxy = {
  port: number
  /** Nothing passes any more, in either direction, on old and new connections. */
  fallSilent(): void
  /** Every connection is cut, new ones at once. */
  refuse(): void
  /** New connections pass again; the silent ones stay so. */
  recover(): void
  close(): Promise<void>
}

export async function createSilentProxy(host: string, port: number): Promise<SilentProxy> {
  const sockets = new Set<Socket>()
  let manner: 'pass' | 'silent' | 'refuse' = 'pass'
  const track = (socket: Socket) => {
    sockets.add(socket)
    return socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy())
  }
  const server = createServer((near) => {
    track(near)
    if (manner === 'refuse') return near.destroy()
    if (manner === 'silent') return near.pause()
    const far = track(connect(port, host))
    near.pipe(far).pipe(near)
    near.once('close', () => far.destroy())
    far.once('close', () => near.destroy())
    return near
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent() {
      manner = 'silent'
      for (const socket of sockets) socket.unpipe().removeAllListeners('data').pause()
    },
    refuse() {
      manner = 'refuse'
      for (const socket of sockets) socket.destroy()
    },
    recover() {
      manner = 'pass'
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
