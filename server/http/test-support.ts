// For tests: a real listener on a free port, its log lines, and raw sockets to talk to it byte for byte.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { Registry } from 'prom-client'
import { type Config, type ConfigFile, loadConfig } from '../config/config.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { createLogger, type LogFields } from '../lib/logger.ts'
import { createHttp, type Http, type HttpHandlers } from './http.ts'

export type LogLine = LogFields & { msg: string }

export type TestHttp = {
  http: Http
  port: number
  consolePort: number | null
  registry: Registry
  logLines: LogLine[]
  /** Resolves with the next line that fits, also with one written already. */
  logged(fits: (line: LogLine) => boolean): Promise<LogLine>
}

const secret = 'a-secret-of-tests-with-enough-characters'

/** A whole checked configuration; nothing it names is connected to. */
export function testConfig(
  env: Record<string, string> = {},
  limits: Partial<ConfigFile['limits']> = {},
): Config {
  const config = loadConfig({
    env: {
      APP_PORT: '0',
      PG_DSN: 'postgresql://nobody@127.0.0.1:1/nothing',
      SENTINEL_HMAC_SECRET: secret,
      ADMIN_PASSWORD: secret,
      ADMIN_JWT_SECRET: secret,
      MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      ...env,
    },
    workingDir: tmpdir(),
    createSecrets: false,
  })
  return { ...config, limits: { ...config.limits, ...limits } }
}

export async function startTestHttp(options: {
  config: Config
  handlers: HttpHandlers
  registry?: Registry
  clock?: Clock
  log?: TestLog
}): Promise<TestHttp> {
  const { config, handlers, registry = new Registry(), clock = systemClock, log = collectLog() } = options
  const http = createHttp({ config, handlers, clock, logger: log.logger, metrics: registry })
  const { port, consolePort } = await http.listen()
  return { http, port, consolePort, registry, logLines: log.lines, logged: log.logged }
}

export type TestLog = ReturnType<typeof collectLog>

/** A logger, and its lines so far. */
export function collectLog() {
  const lines: LogLine[] = []
  const waiting = new Set<() => void>()
  const destination = {
    write(text: string) {
      lines.push(JSON.parse(text) as LogLine)
      for (const look of waiting) look()
    },
  }
  const logger = createLogger({ format: 'json', level: 'debug', destination })
  const logged = (fits: (line: LogLine) => boolean) =>
    new Promise<LogLine>((resolve) => {
      const look = () => {
        const line = lines.find(fits)
        if (!line) return
        waiting.delete(look)
        resolve(line)
      }
      waiting.add(look)
      look()
    })
  return { lines, logger, logged }
}

/** Sends `bytes` on a connection of its own and answers everything that came back until the end of the connection. */
export async function sendRaw(port: number, bytes: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  // A reset behind the answer is an end like any other.
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

/** A raw connection whose received text can be waited for. */
export function openRaw(port: number): { socket: Socket; received(pattern: RegExp): Promise<string> } {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => undefined)
  const received = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(text)) return false
        socket.off('data', look).off('close', fail)
        resolve(text)
        return true
      }
      const fail = () => reject(new Error(`the connection ended before ${pattern}: ${text}`))
      if (look()) return
      socket.on('data', look)
      socket.once('close', fail)
    })
  return { socket, received }
}

/** Code of the envelope in a raw answer; null when it carries none. */
export function codeOf(answer: string): string | null {
  return /"code":"([a-z_]+)"/.exec(answer)?.[1] ?? null
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
}
