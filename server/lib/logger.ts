// Structured logs. Only fields of the allow-list below are ever written, so a secret cannot slip in by a new name.
import { type DestinationStream, pino } from 'pino'

/** Everything a log line may say; values are plain, short and never a body, header, query string or credential. */
export type LogFields = {
  request_id?: string
  method?: string
  /** Path without its query string. */
  path?: string
  status?: number
  duration_ms?: number
  client_ip?: string
  bytes_in?: number
  bytes_out?: number
  code?: string
  token_display?: string
  /** Text for the operator: what happened and what to do. */
  detail?: string
  component?: string
  count?: number
  failsafe?: boolean
  observed?: boolean
  aborted?: boolean
  address?: string
  error?: unknown
}

export type Logger = {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** Writes what is still held back; call before the process ends. */
  flush(): void
}

export type LoggerOptions = {
  format: 'json' | 'pretty'
  level: 'debug' | 'info' | 'warn' | 'error'
  destination?: DestinationStream & { flushSync?(): void }
}

const allowed = new Set<string>([
  'request_id',
  'method',
  'path',
  'status',
  'duration_ms',
  'client_ip',
  'bytes_in',
  'bytes_out',
  'code',
  'token_display',
  'detail',
  'component',
  'count',
  'failsafe',
  'observed',
  'aborted',
  'address',
] satisfies (keyof LogFields)[])

export function createLogger(options: LoggerOptions): Logger {
  const destination =
    options.destination ?? pino.destination({ fd: 1, sync: false, minLength: 4096, periodicFlush: 200 })
  const sink = options.format === 'pretty' ? prettySink(destination) : destination
  const writer = pino({ base: null, level: options.level, timestamp: pino.stdTimeFunctions.isoTime }, sink)
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields: LogFields = {}) =>
      writer[level](allowListed(fields), message)
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush() {
      try {
        destination.flushSync?.()
      } catch {
        // Nothing can be said when standard output itself is gone.
      }
    },
  }
}

function allowListed(fields: LogFields): Record<string, unknown> {
  const line: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (allowed.has(name)) line[name] = value
  }
  if (fields.error !== undefined) line.error = describeError(fields.error)
  return line
}

/** Class, code and first line of the message: a stack or a driver's error may hold values of a request. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 300)
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  const cause = error.cause instanceof Error ? ` <- ${describeError(error.cause)}` : ''
  return `${error.name}${code}: ${error.message.split('\n', 1)[0]?.slice(0, 300)}${cause}`
}

function prettySink(destination: DestinationStream): DestinationStream {
  const labels: Record<number, string> = { 20: 'debug', 30: 'info ', 40: 'WARN ', 50: 'ERROR' }
  return {
    write(line: string) {
      const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>
      const extra = Object.entries(rest).map(([name, value]) => `${name}=${value}`)
      destination.write(`${String(time).slice(11, 23)} ${labels[Number(level)]} ${msg} ${extra.join(' ')}\n`)
    },
  }
}
