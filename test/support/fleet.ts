// One or more gateways on one storage in front of one upstream: what most whole-process tests begin with.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Gateway, openFolder, startGateway } from './gateway.ts'
import type { Scope } from './scope.ts'
import { anyStorage, type Environment, type Storage } from './storage.ts'
import { startUpstream, type Upstream } from './upstream.ts'

export type Fleet = { upstream: Upstream; gateways: readonly [Gateway, ...Gateway[]] }

export type FleetOptions = {
  /** Any, when not given. */
  storage?: Storage | undefined
  count?: number
  env?: Environment
  /** What `.env` says in the working directory of each gateway. */
  dotEnv?: string
}

export async function startFleet(scope: Scope, options: FleetOptions = {}): Promise<Fleet> {
  const storage = options.storage ?? anyStorage
  const upstream = await startUpstream()
  scope.defer(upstream.close)
  const env = { ...(await storage.open(scope)), DOWNSTREAM_URL: upstream.url, ...options.env }
  const [first, ...others] = await Promise.all(
    Array.from({ length: options.count ?? 1 }, () => startOne(scope, env, options.dotEnv)),
  )
  if (!first) throw new Error('a fleet has at least one gateway')
  return { upstream, gateways: [first, ...others] }
}

async function startOne(scope: Scope, env: Environment, dotEnv = ''): Promise<Gateway> {
  const folder = await openFolder(scope)
  if (dotEnv !== '') await writeFile(join(folder, '.env'), dotEnv)
  return startGateway(scope, { env, folder })
}
