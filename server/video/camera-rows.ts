// SQL of cameras; the client comes first in every look-up.
import type { Queryable } from '../store/store.ts'
import type { CameraKey } from './video-types.ts'

export type CameraRow = {
  id: number
  client_id: number
  camera_id: string
  first_seen_at: Date
  last_seen_at: Date
}

export const cameraColumns = 'id, client_id, camera_id, first_seen_at, last_seen_at'
const rowsPerDelete = 5000

/** False: the client is gone. Its row stays locked, so that cameras of one client are counted one after the other. */
export async function lockClient(tx: Queryable, clientId: number): Promise<boolean> {
  const { rowCount } = await tx.query('select 1 from clients where id = $1 for no key update', [clientId])
  return rowCount > 0
}

/** Id of the camera, its time of use set; null when it is not there. */
export async function touchCamera(tx: Queryable, camera: CameraKey, at: Date): Promise<number | null> {
  const { rows } = await tx.query<{ id: number }>(
    `update cameras set last_seen_at = greatest(last_seen_at, $3)
     where client_id = $1 and camera_id = $2 returning id`,
    [camera.clientId, camera.cameraId, at],
  )
  return rows[0]?.id ?? null
}

export async function countCameras(tx: Queryable, clientId: number): Promise<number> {
  const { rows } = await tx.query<{ cameras: number }>(
    'select count(*) as cameras from cameras where client_id = $1',
    [clientId],
  )
  return rows[0]?.cameras ?? 0
}

export async function insertCamera(tx: Queryable, camera: CameraKey, at: Date): Promise<number> {
  const { rows } = await tx.query<{ id: number }>(
    `insert into cameras (client_id, camera_id, first_seen_at, last_seen_at) values ($1, $2, $3, $3) returning id`,
    [camera.clientId, camera.cameraId, at],
  )
  return rows[0]?.id ?? 0
}

export function writeLastSeen(database: Queryable, ids: readonly number[], at: Date): Promise<unknown> {
  return database.query('update cameras set last_seen_at = $2 where id = any($1) and last_seen_at < $2', [
    ids,
    at,
  ])
}

export async function deleteClientCameras(tx: Queryable, clientId: number): Promise<void> {
  await tx.query('delete from cameras where client_id = $1', [clientId])
}

/** In parts, so that no statement takes long. */
export async function deleteUnseenCameras(database: Queryable, days: number): Promise<void> {
  for (;;) {
    const { rowCount } = await database.query(
      `delete from cameras where id in (
         select id from cameras where last_seen_at < now() - make_interval(days => $1) limit ${rowsPerDelete})`,
      [days],
    )
    if (rowCount < rowsPerDelete) return
  }
}
