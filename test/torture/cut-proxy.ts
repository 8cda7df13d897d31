// A TCP proxy that can be cut: connections stay open on both sides and nothing passes, as when a cable is pulled.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Scope } from '../support/scope.ts'

export type CutProxy = {
  readonly port: number
  /** Nothing passes any more, on old and new connections. */
  cut(): void
  /** Only the connections on which PostgreSQL was told to LISTEN, old and new. */
  cutListeners(): void
  /** What was sent meanwhile arrives late, as it does after a partition. */
  restore(): void
}

type Link = { near: Socket; far: Socket; listens: boolean }

export async function openCutProxy(scope: Scope, targetPort: number): Promise<CutProxy> {
  const links = new Set<Link>()
  let cuts: 'nothing' | 'listeners' | 'everything' = 'nothing'
  const isCut = (link: Link) => cuts === 'everything' || (cuts === 'listeners' && link.listens)

  function settle(link: Link): void {
    const { near, far } = link
    if (isCut(link)) {
      near.pause()
      far.pause()
    } else if (near.destroyed || far.destroyed) {
      near.destroy()
      far.destroy()
      links.delete(link)
    } else {
      near.resume()
      far.resume()
    }
  }

  const server = createServer((near) => {
    const link: Link = { near, far: connect(targetPort, '127.0.0.1'), listens: false }
    const { far } = link
    links.add(link)
    near.on('data', (chunk) => {
      link.listens ||= chunk.includes('listen sallyport')
      if (!isCut(link)) return far.write(chunk)
      settle(link)
      near.unshift(chunk)
    })
    far.on('data', (chunk) => near.write(chunk))
    for (const socket of [near, far]) {
      socket.on('error', () => null)
      // Behind a cut the other side does not hear of it.
      socket.once('close', () => settle(link))
    }
    settle(link)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const change = (next: typeof cuts) => {
    cuts = next
    for (const link of links) settle(link)
  }
  scope.defer(() => {
    for (const { near, far } of links) {
      near.destroy()
      far.destroy()
    }
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => change('everything'),
    cutListeners: () => change('listeners'),
    restore: () => change('nothing'),
  }
}
