// What counts for a client's cameras: its own settings, and the shared ones of the configuration for all that it has none of.
import type { ClientSettings } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { BufferLength } from './video-types.ts'

export type VideoSettings = BufferLength & {
  analysisFps: number
  fastModel: string
  strongModel: string
  language: string
  /** Null: the built-in one. */
  prompt: string | null
  alertOnIncident: boolean
}

export function settleVideoSettings(shared: Config['video'], client: ClientSettings): VideoSettings {
  const own = client.video ?? {}
  const analysisFps = own.analysis_fps ?? shared.analysis_fps
  const longFrames = analysisFps * (own.long_buffer_duration ?? shared.long_buffer_duration)
  const shortFrames = analysisFps * (own.short_buffer_duration ?? shared.short_buffer_duration)
  return {
    analysisFps,
    longFrames,
    shortFrames: Math.min(shortFrames, longFrames),
    fastModel: own.fast_model ?? shared.fast_model,
    strongModel: own.strong_model ?? shared.strong_model,
    language: own.language ?? shared.language,
    prompt: own.prompt ?? shared.prompt ?? null,
    alertOnIncident: own.alert_on_incident ?? shared.alert_on_incident,
  }
}
