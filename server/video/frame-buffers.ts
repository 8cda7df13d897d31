// The frame buffers of every client and camera, in memory: each within its number of frames, each client within its bytes.
import { AppError } from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import { arrange, type LastFrame } from './frame-order.ts'
import { FrameRing } from './frame-ring.ts'
import type { BufferState, CameraKey, FrameBuffers } from './video-types.ts'

export type FrameBufferLimits = {
  /** In the whole process. */
  bytesMax: number
  /** Of one client. */
  clientBytesMax: number
  /** A camera that sent nothing for so long gives its frames up. */
  idleMs: number
}

type CameraBuffer = { ring: FrameRing; last: LastFrame | null; touchedMs: number }
type ClientBuffers = { bytes: number; cameras: Map<string, CameraBuffer> }

const retryAfterSeconds = 1

/**
 * Room is shared so that no client's frames ever give way to another's. A client that needs room gives up its own oldest
 * frames, those of its camera with the most bytes first. With N clients holding frames, one may hold what is left free, or
 * an equal share of N + 1: whoever floods ends at that share, and room is left over for whoever comes next. A client
 * that finds no room although it gave up all it has is refused.
 */
export function createFrameBuffers(limits: FrameBufferLimits, clock: Clock): FrameBuffers {
  const clients = new Map<number, ClientBuffers>()
  let bytesInAll = 0
  const sweep = clock.every(Math.max(1000, limits.idleMs / 4), removeIdle)

  /** May this client hold `ownBytes` while all others hold `otherBytes`? */
  function mayHold(ownBytes: number, otherBytes: number, clientCount: number): boolean {
    const left = limits.bytesMax - otherBytes - ownBytes
    if (ownBytes > limits.clientBytesMax || left < 0) return false
    return ownBytes <= left || ownBytes <= limits.bytesMax / (clientCount + 1)
  }

  function refuseFor(client: ClientBuffers | undefined, bytes: number): AppError | null {
    if (bytes > limits.clientBytesMax) return new AppError('body_too_large')
    const clientCount = clients.size + (client ? 0 : 1)
    return mayHold(bytes, bytesInAll - (client?.bytes ?? 0), clientCount)
      ? null
      : new AppError('overloaded', {
          message: 'There is no room for more frames at the moment. Try again soon.',
          retryAfterSeconds,
        })
  }

  function dropOldest(client: ClientBuffers, { ring }: CameraBuffer): void {
    const bytes = ring.shift()
    client.bytes -= bytes
    bytesInAll -= bytes
  }

  /** The last `newFrames` of `current` stay: they fit by themselves. */
  function makeRoom(client: ClientBuffers, current: CameraBuffer, newFrames: number): void {
    while (!mayHold(client.bytes, bytesInAll - client.bytes, clients.size)) {
      let largest: CameraBuffer | null = null
      for (const camera of client.cameras.values()) {
        const kept = camera === current ? newFrames : 0
        if (camera.ring.length > kept && camera.ring.bytes > (largest?.ring.bytes ?? 0)) largest = camera
      }
      if (largest === null) return
      dropOldest(client, largest)
    }
  }

  function removeCamera({ clientId, cameraId }: CameraKey): void {
    const client = clients.get(clientId)
    const camera = client?.cameras.get(cameraId)
    if (!client || !camera) return
    client.cameras.delete(cameraId)
    client.bytes -= camera.ring.bytes
    bytesInAll -= camera.ring.bytes
    if (client.cameras.size === 0) clients.delete(clientId)
  }

  function removeIdle(): void {
    const nowMs = clock.monotonicMs()
    for (const [clientId, { cameras }] of clients) {
      for (const [cameraId, { touchedMs }] of cameras) {
        if (nowMs - touchedMs >= limits.idleMs) removeCamera({ clientId, cameraId })
      }
    }
  }

  const find = ({ clientId, cameraId }: CameraKey) => clients.get(clientId)?.cameras.get(cameraId)

  return {
    add({ clientId, cameraId }, { longFrames }, frames) {
      const arranged = arrange(frames, find({ clientId, cameraId })?.last ?? null, clock.now())
      if (arranged instanceof AppError) return arranged
      const { kept, last } = arranged
      const taken = kept.slice(-longFrames)
      const bytes = taken.reduce((sum, { jpeg }) => sum + jpeg.length, 0)
      const refusal = refuseFor(clients.get(clientId), bytes)
      if (refusal) return refusal
      const client = clients.get(clientId) ?? { bytes: 0, cameras: new Map() }
      const camera = client.cameras.get(cameraId) ?? { ring: new FrameRing(), last, touchedMs: 0 }
      clients.set(clientId, client)
      client.cameras.set(cameraId, camera)
      for (const frame of taken) camera.ring.push(frame)
      client.bytes += bytes
      bytesInAll += bytes
      while (camera.ring.length > longFrames) dropOldest(client, camera)
      makeRoom(client, camera, taken.length)
      camera.last = last
      camera.touchedMs = clock.monotonicMs()
      return { bufferSize: camera.ring.length, lastFrameCount: last.frameCount }
    },
    last: (camera, count) => find(camera)?.ring.last(count) ?? [],
    all: (camera) => find(camera)?.ring.last(Number.POSITIVE_INFINITY) ?? [],
    list: (clientId) =>
      [...(clients.get(clientId)?.cameras ?? [])].map(([cameraId, camera]) =>
        toState(cameraId, camera, clock.monotonicMs()),
      ),
    state(key) {
      const camera = find(key)
      return camera ? toState(key.cameraId, camera, clock.monotonicMs()) : null
    },
    removeClient(clientId) {
      bytesInAll -= clients.get(clientId)?.bytes ?? 0
      clients.delete(clientId)
    },
    removeCamera,
    totals() {
      let frames = 0
      for (const { cameras } of clients.values())
        for (const { ring } of cameras.values()) frames += ring.length
      return { clients: clients.size, frames, bytes: bytesInAll }
    },
    close() {
      sweep.cancel()
      clients.clear()
      bytesInAll = 0
    },
  }
}

function toState(cameraId: string, { ring, last, touchedMs }: CameraBuffer, nowMs: number): BufferState {
  const newestMs = last?.timestampMs ?? 0
  return {
    ...{ cameraId, frames: ring.length, bytes: ring.bytes, newestMs },
    oldestMs: ring.oldest?.timestampMs ?? newestMs,
    idleMs: nowMs - touchedMs,
  }
}
