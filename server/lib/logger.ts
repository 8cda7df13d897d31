// Structured logs. Only fields of the allow-list below are ever written, so a secret cannot slip in by a new name.
import { openStandardOutput } from './standard-output.ts'

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

export type LogDestination = {
  /** Takes one line with its end. */
  write(line: string): void
  /** Returns when everything written so far has left the process. */
  flush?(): void
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
  level: Level
  /** Default: standard output. */
  destination?: LogDestination
}

type Level = keyof typeof levels
type Line = { level: Level; time: string; message: string; fields: LogFields }

/** The numbers that other tools know from pino and bunyan. */
const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const

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
  const destination = options.destination ?? openStandardOutput()
  const format = options.format === 'pretty' ? formatPretty : formatJson
  const timestamp = createTimestamp()
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}) => {
      if (levels[level] < levels[options.level]) return
      destination.write(format({ level, time: timestamp(), message, fields: onlyAllowed(fields) }))
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    flush: () => destination.flush?.(),
  }
}

/** Many lines are written within one millisecond; its text is made once. */
function createTimestamp(): () => string {
  let madeForMs = 0
  let text = ''
  return () => {
    const nowMs = Date.now()
    if (nowMs !== madeForMs) {
      madeForMs = nowMs
      text = new Date(nowMs).toISOString()
    }
    return text
  }
}

/** The fields themselves when all are on the list, as a request's are; else a copy of those that are. */
function onlyAllowed(fields: LogFields): LogFields {
  for (const name in fields) if (!allowed.has(name)) return copyAllowed(fields)
  return fields
}

function copyAllowed(fields: LogFields): LogFields {
  const copy = Object.fromEntries(Object.entries(fields).filter(([name]) => allowed.has(name)))
  return fields.error === undefined ? copy : { ...copy, error: describeError(fields.error) }
}

function formatJson({ level, time, message, fields }: Line): string {
  const rest = JSON.stringify(fields).slice(1)
  const comma = rest === '}' ? '' : ','
  return `{"level":${levels[level]},"time":"${time}","msg":${JSON.stringify(message)}${comma}${rest}\n`
}

function formatPretty({ level, time, message, fields }: Line): string {
  const label = level === 'warn' || level === 'error' ? level.toUpperCase() : level
  const extra = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`)
  return `${time.slice(11, 23)} ${label.padEnd(5)} ${message}${extra.join('')}\n`
}

/** Class, code and first line of the message: a stack or a driver's error may hold values of a request. */
function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 300)
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : ''
  const cause = error.cause instanceof Error ? ` <- ${describeError(error.cause)}` : ''
  return `${error.name}${code}: ${error.message.split('\n', 1)[0]?.slice(0, 300)}${cause}`
}
