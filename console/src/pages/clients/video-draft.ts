// A client's own settings of cameras and alerts as they stand in a form, and as the server takes them.
import type { ClientPatchRequest, ClientSettings } from '@sallyport/contract'
import { readNumber } from '../../composables/typed-text.ts'

export const numberFields = [
  'alert_cooldown_seconds',
  'analysis_fps',
  'short_buffer_duration',
  'long_buffer_duration',
] as const
export const textFields = ['fast_model', 'strong_model', 'language', 'prompt'] as const

/** Empty: the value of the gateway's configuration counts. */
export type VideoDraft = Record<(typeof numberFields)[number] | (typeof textFields)[number], string> & {
  alert_email: string
  alert_on_incident: '' | 'on' | 'off'
}

/** Names of the fields as the server calls them in its errors. */
export const videoFields = ['alert_email', 'alert_on_incident', ...numberFields, ...textFields] as const

export function toVideoDraft({ alert_email: email, video }: ClientSettings): VideoDraft {
  const own = video ?? {}
  const textOf = (name: (typeof numberFields)[number] | (typeof textFields)[number]) =>
    String(own[name] ?? '')
  return {
    alert_email: email ?? '',
    alert_on_incident: own.alert_on_incident === undefined ? '' : own.alert_on_incident ? 'on' : 'off',
    alert_cooldown_seconds: textOf('alert_cooldown_seconds'),
    analysis_fps: textOf('analysis_fps'),
    short_buffer_duration: textOf('short_buffer_duration'),
    long_buffer_duration: textOf('long_buffer_duration'),
    fast_model: textOf('fast_model'),
    strong_model: textOf('strong_model'),
    language: textOf('language'),
    prompt: textOf('prompt'),
  }
}

/** The server takes the settings of cameras as a whole; those of other kinds stay as they are. */
export function videoChangesOf(draft: VideoDraft): ClientPatchRequest {
  const video: Record<string, string | number | boolean> = {}
  if (draft.alert_on_incident) video.alert_on_incident = draft.alert_on_incident === 'on'
  for (const name of numberFields) if (draft[name].trim()) video[name] = readNumber(draft[name])
  for (const name of textFields) if (draft[name].trim()) video[name] = draft[name].trim()
  const settings = {
    alert_email: draft.alert_email.trim() || null,
    video: Object.keys(video).length > 0 ? video : null,
  }
  return { settings } as ClientPatchRequest
}
