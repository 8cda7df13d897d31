// Door of the configuration: environment, `.env` and YAML file become one frozen, checked Config.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { Secret } from '../lib/secret.ts'
import { ConfigError } from './config-error.ts'
import { type EnvironmentKey, type EnvironmentValues, environmentEntries } from './environment.ts'
import { type ConfigFile, configFileSchema } from './file.ts'
import { readOrCreateSecrets } from './generated-secrets.ts'
import { type ProviderEnvironment, readProviderEnvironment } from './provider-environment.ts'

export { ConfigError, configExitCode } from './config-error.ts'
export type { ConfigFile } from './file.ts'
export { type BuiltInProvider, builtInProviders } from './provider-environment.ts'

/** Where a value comes from. */
export type ConfigSource = 'environment' | '.env' | 'file' | 'default' | 'generated'

/** The secrets that every start needs; from the environment, else generated in the data folder. */
export type RequiredSecrets = {
  readonly pepper: Secret
  readonly adminJwtSecret: Secret
  readonly masterKey: Secret
}

export type Config = Readonly<Omit<EnvironmentValues, keyof RequiredSecrets>> &
  RequiredSecrets &
  Readonly<ConfigFile> & {
    /** Absolute; where `.env` and relative paths are looked for. */
    readonly workingDir: string
    /** Absolute. */
    readonly dataDir: string
    /** Absolute. */
    readonly envFile: string
    /** Names the embedded database and its account-owned folder; null with an external database. */
    readonly embedded: { readonly instanceId: string; readonly databasePassword: Secret } | null
    /** What the environment says of each provider, built-in or of the file, by its name. */
    readonly providerEnvironment: Readonly<Record<string, ProviderEnvironment>>
    readonly sources: Readonly<Record<EnvironmentKey, ConfigSource>>
    readonly fileUsed: string | null
  }

export type LoadOptions = {
  env: Readonly<Record<string, string | undefined>>
  workingDir: string
  /** False for commands that only look: nothing is written to the data folder. */
  createSecrets?: boolean
}

/**
 * Reads and checks everything. Throws ConfigError naming every wrong key at once.
 * Precedence: environment, `.env` of the working directory, YAML file, default.
 */
export function loadConfig(options: LoadOptions): Config {
  const problems: string[] = []
  const dotEnv = readDotEnv(options.workingDir)
  const { values, sources } = readEnvironment(options.env, dotEnv, problems)
  const file = readConfigFile(values, sources, options.workingDir, problems)
  checkTogether(values, problems)
  const providerEnvironment = readProviderEnvironment(
    Object.keys(file.content.providers),
    (name) => findText([name], options.env, dotEnv)?.text,
    problems,
  )
  if (problems.length > 0) throw new ConfigError(problems)
  const workingDir = resolve(options.workingDir)
  const dataDir = resolve(workingDir, values.dataDir)
  const envFile = resolve(workingDir, values.envFile)
  const secrets = settleSecrets({ values, sources, dataDir, create: options.createSecrets ?? true })
  return deepFreeze({
    ...{ ...values, ...file.content, ...secrets },
    ...{ workingDir, dataDir, envFile, providerEnvironment, sources, fileUsed: file.path },
  })
}

/** JSON Schema of the YAML file, for editors. */
export function configFileJsonSchema(): object {
  return {
    title: 'Sallyport configuration file',
    ...z.toJSONSchema(configFileSchema, { io: 'input' }),
  }
}

export type ConfigRow = { key: string; value: string; source: ConfigSource; help: string }

/** Every environment key with its value (secrets hidden) and where it comes from. */
export function describeConfig(config: Config): ConfigRow[] {
  return (Object.keys(environmentEntries) as EnvironmentKey[]).map((key) => {
    const { names, help } = environmentEntries[key]
    return { key: names[0], value: showValue(config[key]), source: config.sources[key], help }
  })
}

function showValue(value: unknown): string {
  if (value === null) return '-'
  if (value instanceof Secret) return '[secret]'
  if (Array.isArray(value)) {
    return value.length === 0
      ? '-'
      : value.map((item) => (isRange(item) ? item.text : String(item))).join(',')
  }
  return String(value)
}

function isRange(item: unknown): item is { text: string } {
  return typeof item === 'object' && item !== null && 'text' in item
}

function readDotEnv(workingDir: string): Record<string, string | undefined> {
  const path = resolve(workingDir, '.env')
  return existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}
}

function readEnvironment(
  env: LoadOptions['env'],
  dotEnv: Record<string, string | undefined>,
  problems: string[],
): { values: EnvironmentValues; sources: Record<EnvironmentKey, ConfigSource> } {
  const values: Record<string, unknown> = {}
  const sources: Record<string, ConfigSource> = {}
  for (const [key, entry] of Object.entries(environmentEntries)) {
    const found = findText(entry.names, env, dotEnv)
    sources[key] = found?.source ?? 'default'
    values[key] = entry.default
    if (!found) continue
    const parsed = entry.schema.safeParse(found.text)
    if (parsed.success) values[key] = parsed.data
    else {
      const reasons = parsed.error.issues.map((issue) => issue.message).join('; ')
      problems.push(`${found.name}: ${reasons}. Example: ${found.name}=${entry.example}`)
    }
  }
  return { values: values as EnvironmentValues, sources: sources as Record<EnvironmentKey, ConfigSource> }
}

function findText(
  names: readonly string[],
  env: LoadOptions['env'],
  dotEnv: Record<string, string | undefined>,
): { name: string; text: string; source: ConfigSource } | null {
  for (const [source, texts] of [
    ['environment', env],
    ['.env', dotEnv],
  ] as const) {
    for (const name of names) {
      const text = texts[name]?.trim()
      if (text) return { name, text, source }
    }
  }
  return null
}

function readConfigFile(
  values: EnvironmentValues,
  sources: Record<EnvironmentKey, ConfigSource>,
  workingDir: string,
  problems: string[],
): { content: ConfigFile; path: string | null } {
  const path = resolve(workingDir, values.configFile)
  const standard = configFileSchema.parse({})
  if (!existsSync(path)) {
    if (sources.configFile !== 'default')
      problems.push(`CONFIG_FILE: there is no file ${path}. Example: CONFIG_FILE=/etc/sallyport.yaml`)
    return { content: standard, path: null }
  }
  try {
    const parsed = configFileSchema.safeParse(parseYaml(readFileSync(path, 'utf8')) ?? {})
    if (parsed.success) return { content: parsed.data, path }
    for (const issue of parsed.error.issues)
      problems.push(
        `${path}: ${issue.path.join('.') || 'file'}: ${issue.message}. 'sallyport config schema' prints what it may hold`,
      )
  } catch (error) {
    problems.push(
      `${path}: not readable as YAML: ${error instanceof Error ? error.message.split('\n', 1)[0] : error}`,
    )
  }
  return { content: standard, path }
}

/** Rules over more than one value. */
function checkTogether(values: EnvironmentValues, problems: string[]): void {
  if (values.downstreamAnonymous.length > 0 && values.consolePort === null) {
    problems.push(
      'CONSOLE_PORT: must be set together with DOWNSTREAM_ANONYMOUS, because pages of the downstream then share the origin of APP_PORT. Example: CONSOLE_PORT=7001',
    )
  }
  if (values.consolePort !== null && values.consolePort === values.appPort && values.appPort !== 0) {
    problems.push('CONSOLE_PORT: must differ from APP_PORT. Example: CONSOLE_PORT=7001')
  }
  if (values.smtpUrl !== null && values.mailFrom === null) {
    problems.push(
      'MAIL_FROM: must be set together with SMTP_URL. Example: MAIL_FROM=Sallyport <gateway@example.com>',
    )
  }
  if (values.pgDsn === null) return
  const required = {
    SENTINEL_HMAC_SECRET: values.pepper,
    ADMIN_PASSWORD: values.adminPassword,
    ADMIN_JWT_SECRET: values.adminJwtSecret,
    MASTER_KEY: values.masterKey,
  }
  for (const [name, value] of Object.entries(required)) {
    if (value === null) {
      problems.push(
        `${name}: must be set when PG_DSN is: secrets are not generated beside an external database. Example: ${name}=${exampleSecret(name)}`,
      )
    }
  }
}

function exampleSecret(name: string): string {
  return name === 'ADMIN_PASSWORD' ? '<12 or more characters>' : '<output of: openssl rand -base64 32>'
}

function settleSecrets(input: {
  values: EnvironmentValues
  sources: Record<EnvironmentKey, ConfigSource>
  dataDir: string
  create: boolean
}): RequiredSecrets & Pick<Config, 'embedded'> {
  const { values, sources, dataDir, create } = input
  const { pepper, adminJwtSecret, masterKey } = values
  if (values.pgDsn !== null && pepper && adminJwtSecret && masterKey) {
    return { pepper, adminJwtSecret, masterKey, embedded: null }
  }
  const generated = readOrCreateSecrets(dataDir, create)
  for (const key of ['pepper', 'adminJwtSecret', 'masterKey'] as const) {
    if (values[key] === null) sources[key] = 'generated'
  }
  return {
    pepper: pepper ?? new Secret(generated.sentinel_hmac_secret),
    adminJwtSecret: adminJwtSecret ?? new Secret(generated.admin_jwt_secret),
    masterKey: masterKey ?? new Secret(generated.master_key),
    embedded: {
      instanceId: generated.instance_id,
      databasePassword: new Secret(generated.database_password),
    },
  }
}

function deepFreeze<Value extends object>(value: Value): Value {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null && !Object.isFrozen(child)) deepFreeze(child)
  }
  return Object.freeze(value)
}

/** The parser is large, and without a file nobody needs it: every command would wait for it. */
function parseYaml(text: string): unknown {
  const { parse } = createRequire(import.meta.url)('yaml') as typeof import('yaml')
  return parse(text)
}
