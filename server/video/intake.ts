// Takes frames in: reads the picture, checks it, puts it into its client's buffer, and lets a new camera come into being.
import { AppError, type ClientSettings } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { MaybePromise } from '../lib/maybe-promise.ts'
import type { Cameras } from './cameras.ts'
import { type FrameJson, readFrameJson } from './frame-json.ts'
import { refuseJpeg } from './jpeg.ts'
import { settleVideoSettings } from './video-settings.ts'
import type { Added, CameraKey, FrameBuffers, NewFrame } from './video-types.ts'

export type VideoCaller = { clientId: number; settings: ClientSettings }

export type Intake = {
  /** Throws AppError `malformed_request` or `body_too_large`. */
  readJson(body: Buffer): FrameJson
  /** All of them or none. Throws EngineAwayError for a camera that is not known yet. */
  buffer(caller: VideoCaller, cameraId: string, frames: readonly NewFrame[]): MaybePromise<Added | AppError>
}

export function createIntake(dependencies: {
  config: Pick<Config, 'video'> & { limits: Pick<Config['limits'], 'video'> }
  frames: FrameBuffers
  cameras: Pick<Cameras, 'see'>
}): Intake {
  const { config, frames: buffers, cameras } = dependencies
  const bytesMax = config.limits.video.frame_bytes_max

  /** A camera that may not come into being leaves no frames either. */
  function undo(camera: CameraKey, isNew: boolean): void {
    if (isNew) buffers.removeCamera(camera)
  }

  return {
    readJson: (body) => readFrameJson(body, bytesMax),

    buffer({ clientId, settings }, cameraId, frames) {
      for (const [index, { jpeg }] of frames.entries()) {
        const refusal = refuseJpeg(
          jpeg,
          frames.length > 1 ? `frames.${index}.frame_data` : 'frame_data',
          bytesMax,
        )
        if (refusal) return refusal
      }
      const camera = { clientId, cameraId }
      const isNew = buffers.state(camera) === null
      const added = buffers.add(camera, settleVideoSettings(config.video, settings), frames)
      if (added instanceof AppError) return added
      const seen = cameras.see(camera)
      const finish = (refusal: AppError | null) => {
        if (refusal) undo(camera, isNew)
        return refusal ?? added
      }
      if (seen instanceof Promise) {
        return seen.then(finish, (error: unknown) => {
          undo(camera, isNew)
          throw error
        })
      }
      return finish(seen)
    },
  }
}
