// What the video room is told and answers: cameras of clients, their frames, and how much of them is kept.
import type { AppError } from '@sallyport/contract'

/** A camera is known by its client first: equal names of two clients are two cameras. */
export type CameraKey = { clientId: number; cameraId: string }

/** One kept picture; `jpeg` is what the camera sent, byte for byte, and nobody changes it. */
export type Frame = {
  readonly jpeg: Buffer
  /** The camera's own number of it, else its place among those accepted, from 1. */
  readonly frameCount: number
  /** Milliseconds since 1970, never less than of the frame before: as the camera said, else when it arrived. */
  readonly timestampMs: number
}

/** A checked picture on its way into a buffer; null: the camera did not say. */
export type NewFrame = { jpeg: Buffer; frameCount: number | null; timestampMs: number | null }

/** How many frames of a camera are kept, and how many of them are the short buffer. */
export type BufferLength = { longFrames: number; shortFrames: number }

export type Added = { bufferSize: number; lastFrameCount: number }

/** What may be told of a buffer without showing a frame. */
export type BufferState = {
  cameraId: string
  frames: number
  bytes: number
  oldestMs: number
  newestMs: number
  /** Since the last frame came in. */
  idleMs: number
}

export type FrameBuffers = {
  /**
   * All of them, in order, or none. Refusals: `malformed_request` (out of order, from the future), `overloaded` (no room
   * that this client may take), `body_too_large` (more than a client may hold at all).
   */
  add(camera: CameraKey, length: BufferLength, frames: readonly NewFrame[]): Added | AppError
  /** The last frames, oldest first: `count` at most. Empty for a camera without any. */
  last(camera: CameraKey, count: number): Frame[]
  /** All that is kept, oldest first. */
  all(camera: CameraKey): Frame[]
  list(clientId: number): BufferState[]
  state(camera: CameraKey): BufferState | null
  removeClient(clientId: number): void
  removeCamera(camera: CameraKey): void
  /** In the whole process. */
  totals(): { clients: number; frames: number; bytes: number }
  close(): void
}
