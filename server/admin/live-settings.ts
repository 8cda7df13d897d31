// Settings that an admin changes while the gateway runs: a stored value wins over the environment, on every replica.
import { type Settings, settingsRequest } from '@sallyport/contract'
import type { RecordChange } from '../bindings/bindings.ts'
import type { Config, ConfigSource } from '../config/config.ts'
import type { Clock, Timer } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Notices, Queryable } from '../store/store.ts'

const topic = 'settings'
const retryMs = 1000
const settingKeys = [
  'alert_webhook_url',
  'alert_threshold_count',
  'alert_threshold_seconds',
  'archive_days',
  'failsafe_mode',
] as const satisfies readonly (keyof Settings)[]

export type SettingsPatch = { [Key in keyof Settings]?: Settings[Key] | undefined }
export type SettingSource = ConfigSource | 'admin'

export type LiveSettings = {
  current(): Settings
  /** Stores the given keys and returns the whole; an empty patch changes nothing. */
  update(patch: SettingsPatch, record: RecordChange): Promise<Settings>
  /** Where each value in force comes from. */
  sources(): Record<keyof Settings, SettingSource>
  close(): void
}

export type LiveSettingsDependencies = {
  config: Pick<
    Config,
    | 'alertWebhookUrl'
    | 'alertThresholdCount'
    | 'alertThresholdSeconds'
    | 'archiveDays'
    | 'failsafeMode'
    | 'sources'
  >
  database: Database
  notices: Notices
  clock: Clock
  logger: Logger
}

export async function createLiveSettings(dependencies: LiveSettingsDependencies): Promise<LiveSettings> {
  const { config, database, notices, clock, logger } = dependencies
  const configured = configuredSettings(config)
  let stored: Partial<Settings> = {}
  let readsBegun = 0
  let readShown = 0
  let retry: Timer | null = null

  /** Of reads that overlap, the one that began last wins. */
  async function reload(): Promise<void> {
    const read = ++readsBegun
    const patch = await readStored(database, logger)
    if (read < readShown) return
    readShown = read
    stored = patch
  }
  function reloadInBackground(): void {
    retry?.cancel()
    reload().catch((error: unknown) => {
      logger.warn('Settings could not be read again; the last known ones stay in force', {
        component: 'settings',
        error,
      })
      retry = clock.after(retryMs, reloadInBackground)
    })
  }

  await reload()
  const unsubscribe = notices.subscribe(topic, reloadInBackground)
  const unsubscribeGap = notices.onGap(reloadInBackground)
  const current = () => ({ ...configured, ...stored })

  return {
    current,
    async update(patch, record) {
      const given = withoutUndefined(patch)
      if (Object.keys(given).length === 0) return current()
      await database.transaction(async (tx) => {
        await storePatch(tx, { patch: given, configured, record, logger })
        await notices.publish(tx, topic, null)
      })
      await reload()
      return current()
    },
    sources: () => sourcesOf(stored, config.sources),
    close() {
      unsubscribe()
      unsubscribeGap()
      retry?.cancel()
    },
  }
}

function configuredSettings(config: LiveSettingsDependencies['config']): Settings {
  return {
    alert_webhook_url: config.alertWebhookUrl,
    alert_threshold_count: config.alertThresholdCount,
    alert_threshold_seconds: config.alertThresholdSeconds,
    archive_days: config.archiveDays,
    failsafe_mode: config.failsafeMode,
  }
}

function sourcesOf(
  stored: Partial<Settings>,
  sources: LiveSettingsDependencies['config']['sources'],
): Record<keyof Settings, SettingSource> {
  const source = (key: keyof Settings, fallback: ConfigSource): SettingSource =>
    stored[key] === undefined ? fallback : 'admin'
  return {
    alert_webhook_url: source('alert_webhook_url', sources.alertWebhookUrl),
    alert_threshold_count: source('alert_threshold_count', sources.alertThresholdCount),
    alert_threshold_seconds: source('alert_threshold_seconds', sources.alertThresholdSeconds),
    archive_days: source('archive_days', sources.archiveDays),
    failsafe_mode: source('failsafe_mode', sources.failsafeMode),
  }
}

/** The table is locked, so that each change is recorded against the values it really replaced. */
async function storePatch(
  tx: Queryable,
  input: { patch: Partial<Settings>; configured: Settings; record: RecordChange; logger: Logger },
): Promise<void> {
  const { patch, configured, record, logger } = input
  await tx.query('lock table settings in share row exclusive mode')
  const earlier = { ...configured, ...(await readStored(tx, logger)) }
  const changed = settingKeys.filter((key) => patch[key] !== undefined)
  for (const key of changed) {
    await tx.query(
      `insert into settings (key, value) values ($1, $2)
       on conflict (key) do update set value = excluded.value, updated_at = now()`,
      [key, JSON.stringify(patch[key])],
    )
  }
  const pick = (values: Partial<Settings>) => Object.fromEntries(changed.map((key) => [key, values[key]]))
  await record(tx, {
    action: 'settings.changed',
    target: 'settings',
    before: pick(earlier),
    after: pick(patch),
  })
}

/** Only values that the API itself would accept: the table may have been written by another version or by hand. */
async function readStored(queryable: Queryable, logger: Logger): Promise<Partial<Settings>> {
  const { rows } = await queryable.query<{ key: string; value: string }>('select key, value from settings')
  let stored: Partial<Settings> = {}
  for (const { key, value } of rows) {
    const parsed = settingsRequest.safeParse({ [key]: parseJson(value) })
    if (parsed.success) stored = { ...stored, ...withoutUndefined(parsed.data) }
    else logger.warn('A stored setting is not usable and is ignored', { component: 'settings', detail: key })
  }
  return stored
}

function withoutUndefined(patch: SettingsPatch): Partial<Settings> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
