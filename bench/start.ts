// P13: how long a second start takes until a call is answered, and what the gateway takes when nothing happens.
import { setTimeout as pause } from 'node:timers/promises'
import type { Scope } from '../test/support/scope.ts'
import { memoryMb } from './measured-process.ts'
import { startSallyport, startUpstream } from './peers.ts'
import { atMost, type ResultRow } from './report.ts'
import { median } from './rounds.ts'

const starts = 3
const idleSeconds = 10

export async function measureStart(scope: Scope): Promise<ResultRow[]> {
  const upstream = await startUpstream(scope)
  const first = await startSallyport(scope, upstream.url)
  await first.stop()
  const secondsSeen: number[] = []
  const idleMb: number[] = []
  for (let start = 0; start < starts; start++) {
    const startedMs = performance.now()
    const gateway = await startSallyport(scope, upstream.url, { folder: first.folder })
    secondsSeen.push((performance.now() - startedMs) / 1000)
    await pause(idleSeconds * 1000)
    idleMb.push(memoryMb(gateway.pid).now)
    await gateway.stop()
  }
  return [
    {
      id: 'P13',
      figure: 'second start to the first forwarded call',
      ...atMost(median(secondsSeen), 1.5, 's', 2),
    },
    { id: 'P13', figure: `memory after ${idleSeconds} idle seconds`, ...atMost(median(idleMb), 120, 'MB') },
  ]
}
