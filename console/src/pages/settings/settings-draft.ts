// Settings as they stand in text fields, and what of them differs from the stored ones.
import type { Settings, SettingsRequest } from '@sallyport/contract'
import { readNumber } from '../../composables/typed-text.ts'

export type SettingsDraft = Record<Exclude<keyof Settings, 'failsafe_mode'>, string> &
  Pick<Settings, 'failsafe_mode'>

export const settingNames = [
  'alert_webhook_url',
  'alert_threshold_count',
  'alert_threshold_seconds',
  'archive_days',
  'failsafe_mode',
] as const satisfies readonly (keyof Settings)[]

export function toDraft(settings: Settings): SettingsDraft {
  const entries = settingNames.map((name) => [name, String(settings[name] ?? '')])
  return Object.fromEntries(entries) as SettingsDraft
}

function readValue(name: keyof Settings, text: string): string | number | null {
  const trimmed = text.trim()
  if (name === 'alert_webhook_url') return trimmed || null
  if (name === 'failsafe_mode') return trimmed
  return readNumber(trimmed)
}

export function changesOf(stored: Settings, draft: SettingsDraft): SettingsRequest {
  const changes = settingNames
    .map((name) => [name, readValue(name, draft[name])] as const)
    .filter(([name, value]) => value !== stored[name])
  return Object.fromEntries(changes) as SettingsRequest
}
