// Door of the video room: cameras of clients, the last seconds of what each one sent, and what a model says of it.

import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Database, Jobs, Queryable } from '../store/store.ts'
import { type AlertOutbox, type Alerts, createAlerts } from './alerts.ts'
import { type Analysis, createAnalysis, type FindModelAccess } from './analysis.ts'
import { deleteUnseenCameras } from './camera-rows.ts'
import { type Cameras, createCameras } from './cameras.ts'
import { createFrameBuffers } from './frame-buffers.ts'
import { alertOnIncident } from './incident-alerts.ts'
import { createIntake, type Intake } from './intake.ts'
import type { FrameBuffers } from './video-types.ts'

export type { AlertOrder, Alerts } from './alerts.ts'
export type { FindModelAccess, ModelUse } from './analysis.ts'
export type { FrameJson } from './frame-json.ts'
export type { VideoCaller } from './intake.ts'
export { settleVideoSettings, type VideoSettings } from './video-settings.ts'
export type { BufferState, CameraKey, Frame, FrameBuffers, NewFrame } from './video-types.ts'

export type Video = {
  frames: FrameBuffers
  intake: Intake
  analyze: Analysis['analyze']
  cameras: Pick<Cameras, 'list'>
  alerts: Pick<Alerts, 'raise' | 'list'>
  /** Part of deleting a client: its cameras and frames go. */
  removeClient(tx: Queryable, clientId: number): Promise<void>
  close(): Promise<void>
}

export type VideoDependencies = {
  config: Pick<Config, 'video' | 'mailTo' | 'ffmpegPath' | 'upstreamConnectTimeoutMs'> & {
    limits: Pick<Config['limits'], 'video'>
    retention: Pick<Config['retention'], 'cameras_days' | 'alerts_days'>
  }
  outbox: AlertOutbox
  findModelAccess: FindModelAccess
  database: Database
  jobs: Pick<Jobs, 'schedule'>
  clock: Clock
  logger: Logger
}

export async function createVideo(dependencies: VideoDependencies): Promise<Video> {
  const { config, findModelAccess, database, jobs, clock, logger } = dependencies
  const limits = config.limits.video
  const frames = createFrameBuffers(
    {
      bytesMax: limits.buffer_bytes_max,
      clientBytesMax: limits.buffer_bytes_per_client_max,
      idleMs: limits.buffer_idle_seconds * 1000,
    },
    clock,
  )
  const cameras = createCameras({
    ...{ database, clock, logger },
    camerasPerClientMax: limits.cameras_per_client_max,
    stateOf: frames.state,
  })
  const analysis = createAnalysis({ config, frames, findModelAccess, clock })
  await jobs.schedule('cameras-retention', '50 3 * * *', () =>
    deleteUnseenCameras(database, config.retention.cameras_days),
  )
  const alerts = await createAlerts({ ...dependencies, frames })
  return {
    frames,
    intake: createIntake({ config, frames, cameras }),
    cameras,
    alerts,
    analyze: alertOnIncident({ config, analyze: analysis.analyze, alerts, logger }),
    async removeClient(tx, clientId) {
      frames.removeClient(clientId)
      await cameras.removeClient(tx, clientId)
      await alerts.removeClient(tx, clientId)
    },
    async close() {
      await alerts.close()
      await analysis.close()
      frames.close()
      await cameras.close()
    },
  }
}
