// Every environment value: its names, what it may hold, its default, and the words that explain it.
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import { type BuiltInProvider, providerEntries } from './provider-environment.ts'
import { userEntries } from './user-environment.ts'
import {
  commaList,
  httpUrl,
  integer,
  listenAddress,
  mailboxes,
  origins,
  pathPrefixes,
  postgresUrl,
  ranges,
  redisUrl,
  secret,
  sender,
  smtpUrl,
} from './value-forms.ts'

export type EnvironmentEntry<Schema extends z.ZodType = z.ZodType> = {
  /** First name is the documented one, the others are aliases. */
  readonly names: readonly [string, ...string[]]
  /** Reads the text of the variable; an absent or empty variable takes the default and is not parsed. */
  readonly schema: Schema
  readonly default: z.output<Schema> | null
  readonly example: string
  readonly help: string
  /** Never shown by `config show`. */
  readonly secret?: true
}

function entry<Schema extends z.ZodType>(value: EnvironmentEntry<Schema>): EnvironmentEntry<Schema> {
  return value
}

export const environmentEntries = {
  appPort: entry({
    names: ['APP_PORT', 'PORT'],
    schema: integer(0, 65535),
    default: 7000,
    example: '7000',
    help: 'port of the listener; 0 takes a free one',
  }),
  host: entry({
    names: ['HOST'],
    schema: listenAddress,
    default: '127.0.0.1',
    example: '0.0.0.0',
    help: 'address of the listener',
  }),
  dataDir: entry({
    names: ['DATA_DIR'],
    schema: z.string().min(1),
    default: './data',
    example: '/var/lib/sallyport/data',
    help: 'embedded database, generated secrets, journal',
  }),
  configFile: entry({
    names: ['CONFIG_FILE'],
    schema: z.string().min(1),
    default: 'sallyport.yaml',
    example: '/etc/sallyport.yaml',
    help: 'YAML file for limits and retention; the default may be absent',
  }),
  publicUrl: entry({
    names: ['PUBLIC_URL'],
    schema: httpUrl,
    default: null,
    example: 'https://gateway.example.com',
    help: 'address that users see; sets X-Forwarded-Proto and -Host',
  }),
  corsOrigins: entry({
    names: ['CORS_ORIGINS'],
    schema: origins,
    default: [],
    example: 'https://app.example.com,https://admin.example.com',
    help: 'origins whose pages may call client and user routes',
  }),
  consolePort: entry({
    names: ['CONSOLE_PORT'],
    schema: integer(0, 65535),
    default: null,
    example: '7001',
    help: 'own port for console and portal',
  }),
  metricsToken: entry({
    names: ['METRICS_TOKEN'],
    schema: secret(32),
    default: null,
    example: '<32 random characters>',
    help: 'bearer token of /metrics, beside an admin token',
    secret: true,
  }),
  downstreamUrl: entry({
    names: ['DOWNSTREAM_URL'],
    schema: httpUrl,
    default: null,
    example: 'http://new-api:3000',
    help: 'where everything that is not ours is forwarded',
  }),
  downstreamAnonymous: entry({
    names: ['DOWNSTREAM_ANONYMOUS'],
    schema: pathPrefixes,
    default: [],
    example: '/api/status,/assets',
    help: 'path prefixes forwarded without a credential and unbound',
  }),
  pgDsn: entry({
    names: ['PG_DSN', 'DATABASE_URL'],
    schema: postgresUrl.transform((value) => new Secret(value)),
    default: null,
    example: 'postgresql://sallyport:password@db:5432/sallyport',
    help: 'external PostgreSQL (15 or newer) instead of the embedded one',
    secret: true,
  }),
  redisAddr: entry({
    names: ['REDIS_ADDR'],
    schema: redisUrl.transform((value) => new Secret(value)),
    default: null,
    example: 'redis://redis:6379',
    help: 'shared counters and second-level cache for several replicas',
    secret: true,
  }),
  redisPassword: entry({
    names: ['REDIS_PASSWORD'],
    schema: z.string().transform((value) => new Secret(value)),
    default: null,
    example: '<password>',
    help: 'password of Redis',
    secret: true,
  }),
  redisPrefix: entry({
    names: ['REDIS_PREFIX'],
    schema: z
      .string()
      .regex(/^[A-Za-z0-9:_-]{1,64}$/, 'must be 1 to 64 letters, digits, colons, dashes or underscores'),
    default: 'sallyport:',
    example: 'sallyport:',
    help: 'beginning of every Redis key',
  }),
  pepper: entry({
    names: ['SENTINEL_HMAC_SECRET'],
    schema: secret(32),
    default: null,
    example: '<32 random characters>',
    help: 'pepper of every credential digest',
    secret: true,
  }),
  adminPassword: entry({
    names: ['ADMIN_PASSWORD'],
    schema: secret(12),
    default: null,
    example: '<12 or more characters>',
    help: 'password of the admin',
    secret: true,
  }),
  adminJwtSecret: entry({
    names: ['ADMIN_JWT_SECRET'],
    schema: secret(32),
    default: null,
    example: '<32 random characters>',
    help: 'signs admin sessions',
    secret: true,
  }),
  masterKey: entry({
    names: ['MASTER_KEY'],
    schema: z
      .string()
      .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be 32 bytes in base64')
      .transform((value) => new Secret(value)),
    default: null,
    example: '<openssl rand -base64 32>',
    help: 'seals provider keys',
    secret: true,
  }),
  masterKeyPrevious: entry({
    names: ['MASTER_KEY_PREVIOUS'],
    schema: commaList
      .refine(
        (items) => items.every((item) => /^[A-Za-z0-9+/]{43}=$/.test(item)),
        'must be a comma list of 32-byte base64 keys',
      )
      .transform((items) => items.map((item) => new Secret(item))),
    default: [],
    example: '<old key>,<older key>',
    help: 'master keys that may still open old records',
    secret: true,
  }),
  jwtSecret: entry({
    names: ['JWT_SECRET'],
    schema: secret(32),
    default: null,
    example: '<32 random characters>',
    help: 'signs device tokens; without it secrets are made and kept sealed in the database',
    secret: true,
  }),
  jwtSecretPrevious: entry({
    names: ['JWT_SECRET_PREVIOUS'],
    schema: commaList
      .refine(
        (items) => items.every((item) => item.length >= 32),
        'must be a comma list of secrets of at least 32 characters',
      )
      .transform((items) => items.map((item) => new Secret(item))),
    default: [],
    example: '<old secret>,<older secret>',
    help: 'secrets whose device tokens are still good until they expire',
    secret: true,
  }),
  deviceTokenTtlSeconds: entry({
    names: ['DEVICE_TOKEN_TTL_SECONDS'],
    schema: integer(30, 3600),
    default: 900,
    example: '900',
    help: 'lifetime of device tokens',
  }),
  ...userEntries,
  trustedProxyIps: entry({
    names: ['TRUSTED_PROXY_IPS'],
    schema: ranges,
    default: [],
    example: '172.24.0.0/16',
    help: 'networks whose X-Real-IP is believed',
  }),
  failsafeMode: entry({
    names: ['SENTINEL_FAILSAFE_MODE'],
    schema: z.enum(['closed', 'open']),
    default: 'closed',
    example: 'closed',
    help: 'what happens to calls that cannot be decided',
  }),
  bindingMode: entry({
    names: ['BINDING_MODE'],
    schema: z.enum(['enforce', 'observe']),
    default: 'enforce',
    example: 'observe',
    help: 'observe records wrong addresses but lets them through',
  }),
  bindIpv6Prefix: entry({
    names: ['BIND_IPV6_PREFIX'],
    schema: integer(32, 128),
    default: 64,
    example: '64',
    help: 'bits of an IPv6 address that a first use binds',
  }),
  bindNewPerMinute: entry({
    names: ['BIND_NEW_PER_MINUTE'],
    schema: integer(0, 1_000_000),
    default: 60,
    example: '60',
    help: 'new bindings from one address in a minute; 0 = no limit',
  }),
  alertWebhookUrl: entry({
    names: ['ALERT_WEBHOOK_URL'],
    schema: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// address' }),
    default: null,
    example: 'https://hooks.example.com/sallyport',
    help: 'receives intercept alerts',
  }),
  alertWebhookSecret: entry({
    names: ['ALERT_WEBHOOK_SECRET'],
    schema: secret(32),
    default: null,
    example: '<32 random characters>',
    help: 'signs webhook bodies',
    secret: true,
  }),
  alertThresholdCount: entry({
    names: ['ALERT_THRESHOLD_COUNT'],
    schema: integer(1, 100_000),
    default: 5,
    example: '5',
    help: 'intercepts of one token that raise an alert',
  }),
  alertThresholdSeconds: entry({
    names: ['ALERT_THRESHOLD_SECONDS'],
    schema: integer(1, 86_400),
    default: 300,
    example: '300',
    help: 'window of the alert count',
  }),
  smtpUrl: entry({
    names: ['SMTP_URL'],
    schema: smtpUrl.transform((value) => new Secret(value)),
    default: null,
    example: 'smtps://user:password@mail.example.com:465',
    help: 'mail server for invoices, alerts and warnings',
    secret: true,
  }),
  mailFrom: entry({
    names: ['MAIL_FROM'],
    schema: sender,
    default: null,
    example: 'Sallyport <gateway@example.com>',
    help: 'sender of every mail',
  }),
  mailTo: entry({
    names: ['MAIL_TO'],
    schema: mailboxes,
    default: null,
    example: 'operator@example.com',
    help: 'who receives alerts of clients without an address, and warnings',
  }),
  ffmpegPath: entry({
    names: ['FFMPEG_PATH'],
    schema: z.string(),
    default: 'ffmpeg',
    example: '/usr/local/bin/ffmpeg',
    help: 'program that makes the clips of alerts; without it they carry key frames',
  }),
  archiveDays: entry({
    names: ['ARCHIVE_DAYS'],
    schema: integer(1, 3650),
    default: 90,
    example: '90',
    help: 'bindings idle longer leave the active table',
  }),
  upstreamConnectTimeoutMs: entry({
    names: ['UPSTREAM_CONNECT_TIMEOUT_MS'],
    schema: integer(1, 600_000),
    default: 10_000,
    example: '10000',
    help: 'time to connect to an upstream',
  }),
  upstreamHeadersTimeoutMs: entry({
    names: ['UPSTREAM_HEADERS_TIMEOUT_MS'],
    schema: integer(1, 86_400_000),
    default: 900_000,
    example: '900000',
    help: 'time until an upstream answers with its headers',
  }),
  upstreamIdleTimeoutMs: entry({
    names: ['UPSTREAM_IDLE_TIMEOUT_MS'],
    schema: integer(1, 86_400_000),
    default: 900_000,
    example: '900000',
    help: 'silence allowed within an answer',
  }),
  ...providerEntries,
  shutdownGraceMs: entry({
    names: ['SHUTDOWN_GRACE_MS'],
    schema: integer(0, 3_600_000),
    default: 30_000,
    example: '30000',
    help: 'time for open streams to finish at SIGTERM',
  }),
  logFormat: entry({
    names: ['LOG_FORMAT'],
    schema: z.enum(['json', 'pretty']),
    default: 'json',
    example: 'pretty',
    help: 'json for machines, pretty for people',
  }),
  logLevel: entry({
    names: ['LOG_LEVEL'],
    schema: z.enum(['debug', 'info', 'warn', 'error']),
    default: 'info',
    example: 'info',
    help: 'least severity that is written',
  }),
} as const

export type EnvironmentKey = keyof typeof environmentEntries
/** Keys whose default is `null` may be null; all others always have a value. */
export type EnvironmentValues = {
  readonly [Key in EnvironmentKey]:
    | z.output<(typeof environmentEntries)[Key]['schema']>
    | (NullDefault<Key> extends true ? null : never)
}
type NullableKeys =
  | 'publicUrl'
  | 'consolePort'
  | 'metricsToken'
  | 'downstreamUrl'
  | 'pgDsn'
  | 'redisAddr'
  | 'redisPassword'
  | 'pepper'
  | 'adminPassword'
  | 'adminJwtSecret'
  | 'masterKey'
  | 'jwtSecret'
  | 'oidcIssuer'
  | 'oidcJwksUrl'
  | 'alertWebhookUrl'
  | 'alertWebhookSecret'
  | 'smtpUrl'
  | 'mailFrom'
  | 'mailTo'
  | 'deployEnv'
  | `${BuiltInProvider}ApiKey`
  | `${BuiltInProvider}BaseUrl`
type NullDefault<Key extends EnvironmentKey> = Key extends NullableKeys ? true : false
