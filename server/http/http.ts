// Door of the http room: listens, gives each request its id and address, and sends it to its handler. Knows no room.
import type { Registry } from 'prom-client'
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { createAdmission } from './admission.ts'
import { createConnectionLimit, readDescriptorLimit } from './connection-limit.ts'
import { createConnections } from './connections.ts'
import { createHttpMetrics } from './http-metrics.ts'
import { createListener, listenOn } from './listener.ts'
import { createProxyMistakes, type ProxyMistake } from './proxy-mistakes.ts'
import { createReception, type HttpHandlers } from './reception.ts'
import { createSilenceSweep, endSilentCalls } from './silence.ts'
import { createUnparsedRefusal } from './unparsed.ts'

export type { CallContext } from './call-context.ts'
export { credentialHeaders, isDecidingHeader } from './header-names.ts'
export type { ProxyMistake } from './proxy-mistakes.ts'
export type { Handler, HttpHandlers, Tunnel } from './reception.ts'
export { createStaticFiles } from './static-files.ts'

export type HttpDependencies = {
  config: Pick<
    Config,
    | 'appPort'
    | 'consolePort'
    | 'host'
    | 'limits'
    | 'shutdownGraceMs'
    | 'trustedProxyIps'
    | 'upstreamIdleTimeoutMs'
  >
  clock: Clock
  logger: Logger
  metrics: Registry
  handlers: HttpHandlers
}

export type Http = {
  /** Resolves with the ports that were taken; rejects with Node's error when one is not free. */
  listen(): Promise<{ port: number; consolePort: number | null }>
  /** Peers that send X-Real-IP without being trusted. */
  proxyMistakes(): ProxyMistake[]
  /** Stops accepting, lets answers in work end within the grace, then cuts what is left. */
  close(): Promise<void>
}

const sweepPeriodMsMax = 5000

export function createHttp(dependencies: HttpDependencies): Http {
  const { config, clock, logger, handlers } = dependencies
  const connections = createConnections(config.trustedProxyIps)
  const proxyMistakes = createProxyMistakes(clock)
  const admission = createAdmission(config.limits)
  const metrics = createHttpMetrics(dependencies.metrics, {
    inWork: admission.count,
    connections: connections.count,
  })
  const hasConsolePort = config.consolePort !== null
  const reception = createReception({
    ...{ handlers, hasConsolePort, clock, logger, metrics, admission, connections, proxyMistakes },
  })
  const refuseUnparsed = createUnparsedRefusal({ connections, reception, logger })
  const connectionLimit = createConnectionLimit({
    ...{ clock, logger, descriptors: readDescriptorLimit() },
    configuredMax: config.limits.connections_max,
  })
  const listening = { limits: config.limits, reception, connections, connectionLimit, refuseUnparsed }
  const main = createListener(listening, false)
  const console = hasConsolePort ? createListener(listening, true) : null
  const bodyIdleMs = config.limits.body_idle_timeout_ms
  const answerIdleMs = config.upstreamIdleTimeoutMs
  const findSilent = createSilenceSweep({ bodyIdleMs, answerIdleMs })
  const sweepPeriodMs = Math.min(sweepPeriodMsMax, bodyIdleMs / 4, answerIdleMs / 4)
  const sweep = clock.every(sweepPeriodMs, () => {
    void endSilentCalls(findSilent(reception.callsInWork.list(), clock.monotonicMs()))
  })

  async function listen() {
    const { host, appPort, consolePort: wantedPort } = config
    const port = await listenOn(main, { host, port: appPort }, logger)
    const consolePort = console && (await listenOn(console, { host, port: wantedPort ?? 0 }, logger))
    return { port, consolePort }
  }

  async function close() {
    reception.startClosing()
    const servers = console ? [main, console] : [main]
    const grace = clock.after(config.shutdownGraceMs, () => {
      for (const call of reception.callsInWork.list()) call.request.socket.destroy()
      for (const server of servers) server.closeAllConnections()
    })
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    grace.cancel()
    sweep.cancel()
    connectionLimit.close()
  }

  return { listen, proxyMistakes: proxyMistakes.list, close }
}
