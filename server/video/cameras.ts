// Which cameras there are: one comes into being with its first frame, and is written down once, not with each.
import { AppError, type CameraItem } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import { SingleFlight } from '../lib/single-flight.ts'
import {
  createConditions,
  createLastUsed,
  type Database,
  type Page,
  type Queryable,
  selectPage,
  type UsedRow,
} from '../store/store.ts'
import {
  type CameraRow,
  cameraColumns,
  countCameras,
  deleteClientCameras,
  insertCamera,
  lockClient,
  touchCamera,
  writeLastSeen,
} from './camera-rows.ts'
import type { BufferState, CameraKey } from './video-types.ts'

export type CameraQuery = { client_id?: number | undefined; page: number; page_size: number }

export type Cameras = {
  /** Without a promise for a camera that was seen lately. Refusals: `conflict` (too many cameras), `invalid_credential` (no such client). */
  see(camera: CameraKey): AppError | null | Promise<AppError | null>
  list(query: CameraQuery): Promise<Page<CameraItem>>
  /** Part of deleting a client. */
  removeClient(tx: Queryable, clientId: number): Promise<void>
  close(): Promise<void>
}

const sweepMs = 60_000

export function createCameras(dependencies: {
  database: Database
  camerasPerClientMax: number
  stateOf(camera: CameraKey): BufferState | null
  clock: Clock
  logger: Logger
}): Cameras {
  const { database, camerasPerClientMax, stateOf, clock, logger } = dependencies
  // A camera is known as long as frames of it are kept, so what bounds the frame buffers bounds this.
  const known = new Map<number, Map<string, UsedRow>>()
  const registering = new SingleFlight<string>()
  const uses = createLastUsed({
    ...{ database, component: 'video', clock, logger },
    write: (ids, at) => writeLastSeen(database, ids, at),
  })
  const sweep = clock.every(sweepMs, () => {
    for (const [clientId, cameras] of known) {
      for (const cameraId of cameras.keys()) {
        if (stateOf({ clientId, cameraId }) === null) cameras.delete(cameraId)
      }
      if (cameras.size === 0) known.delete(clientId)
    }
  })

  function register(camera: CameraKey): Promise<AppError | null> {
    return database.transaction(async (tx) => {
      const at = new Date(clock.now())
      let id = await touchCamera(tx, camera, at)
      if (id === null) {
        if (!(await lockClient(tx, camera.clientId))) return new AppError('invalid_credential')
        id = await touchCamera(tx, camera, at)
        if (id === null) {
          if ((await countCameras(tx, camera.clientId)) >= camerasPerClientMax)
            return tooMany(camerasPerClientMax)
          id = await insertCamera(tx, camera, at)
        }
      }
      const cameras = known.get(camera.clientId) ?? new Map()
      known.set(camera.clientId, cameras)
      cameras.set(camera.cameraId, { id, touched: false })
      return null
    })
  }

  return {
    see(camera) {
      const row = known.get(camera.clientId)?.get(camera.cameraId)
      if (!row) {
        return registering.share(`${camera.clientId}/${camera.cameraId}`, () => register(camera)).promise
      }
      uses.touch(row)
      return null
    },
    async list({ client_id: clientId, page, page_size: pageSize }) {
      const conditions = createConditions()
      if (clientId !== undefined) conditions.add((value) => `client_id = ${value}`, clientId)
      const found = await selectPage<CameraRow>(database, {
        ...{ table: 'cameras', columns: cameraColumns, order: ['id'], conditions, page, pageSize },
      })
      return { ...found, items: found.items.map((row) => toItem(row, stateOf)) }
    },
    async removeClient(tx, clientId) {
      known.delete(clientId)
      await deleteClientCameras(tx, clientId)
    },
    async close() {
      sweep.cancel()
      await uses.close()
    },
  }
}

function toItem(row: CameraRow, stateOf: (camera: CameraKey) => BufferState | null): CameraItem {
  const state = stateOf({ clientId: row.client_id, cameraId: row.camera_id })
  return {
    client_id: row.client_id,
    camera_id: row.camera_id,
    first_seen_at: row.first_seen_at.toISOString(),
    last_seen_at: row.last_seen_at.toISOString(),
    buffer: state && toBuffer(state),
  }
}

function toBuffer({ frames, bytes, oldestMs, newestMs, idleMs }: BufferState): CameraItem['buffer'] {
  // Between n frames lie n - 1 pauses.
  const perSecond = newestMs > oldestMs ? ((frames - 1) * 1000) / (newestMs - oldestMs) : null
  return {
    ...{ frames, bytes },
    oldest_at: new Date(oldestMs).toISOString(),
    newest_at: new Date(newestMs).toISOString(),
    frames_per_second: perSecond && Math.round(perSecond * 10) / 10,
    idle_seconds: Math.floor(idleMs / 1000),
  }
}

function tooMany(max: number): AppError {
  return new AppError('conflict', {
    message: `A client has ${max} cameras at most. Use the name of one that is there, or ask the operator.`,
  })
}
