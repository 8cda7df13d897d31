// Which clip is made next: a few at a time, clients in turn, and no more pictures waiting in memory than there is room for.
import { pickKeyFrames } from './key-frames.ts'
import type { Frame } from './video-types.ts'

export type ClipOrder = {
  clientId: number
  alertId: string
  cameraId: string
  frames: readonly Frame[]
  /** False: there was no room for the whole buffer, these are key frames. */
  isWhole: boolean
}

export type ClipQueue = {
  /** Takes what there is room for: all frames, key frames, or none of them. */
  add(order: Omit<ClipOrder, 'isWhole'>): void
  /** Orders that were not begun; nothing is begun any more. Resolves when what was begun is done. */
  close(): Promise<ClipOrder[]>
}

export type ClipQueueOptions = {
  bytesMax: number
  clientBytesMax: number
  ordersMax: number
  atOnce: number
  /** Never throws. */
  work(order: ClipOrder): Promise<void>
}

export function createClipQueue(options: ClipQueueOptions): ClipQueue {
  const { bytesMax, clientBytesMax, ordersMax, atOnce, work } = options
  /** Orders by client, clients in the order of their turns. */
  const waiting = new Map<number, ClipOrder[]>()
  const held = new Map<number, number>()
  const running = new Set<Promise<void>>()
  const busyClients = new Set<number>()
  let bytes = 0
  let orders = 0
  let isClosed = false

  function hold(clientId: number, added: number): void {
    bytes += added
    const now = (held.get(clientId) ?? 0) + added
    if (now > 0) held.set(clientId, now)
    else held.delete(clientId)
  }

  function fit(clientId: number, frames: readonly Frame[]): readonly Frame[] | null {
    const size = bytesOf(frames)
    const fits = bytes + size <= bytesMax && (held.get(clientId) ?? 0) + size <= clientBytesMax
    return fits ? frames : null
  }

  /** The next order whose client has nothing in work; its client goes to the end of the row. */
  function next(): ClipOrder | null {
    for (const [clientId, queue] of waiting) {
      if (busyClients.has(clientId)) continue
      const order = queue.shift()
      waiting.delete(clientId)
      if (queue.length > 0) waiting.set(clientId, queue)
      if (order) return order
    }
    return null
  }

  function begin(): void {
    while (!isClosed && running.size < atOnce) {
      const order = next()
      if (!order) return
      busyClients.add(order.clientId)
      const working = work(order).finally(() => {
        running.delete(working)
        busyClients.delete(order.clientId)
        release(order)
        begin()
      })
      running.add(working)
    }
  }

  function release(order: ClipOrder): void {
    orders -= 1
    hold(order.clientId, -bytesOf(order.frames))
  }

  return {
    add(wanted) {
      // The job that looks for alerts without anything attached takes what is left out here.
      if (isClosed || orders >= ordersMax) return
      const whole = fit(wanted.clientId, wanted.frames)
      const frames = whole ?? fit(wanted.clientId, pickKeyFrames(wanted.frames)) ?? []
      orders += 1
      hold(wanted.clientId, bytesOf(frames))
      const queue = waiting.get(wanted.clientId) ?? []
      waiting.set(wanted.clientId, queue)
      queue.push({ ...wanted, frames, isWhole: whole !== null })
      begin()
    },
    async close() {
      isClosed = true
      const left = [...waiting.values()].flat()
      waiting.clear()
      await Promise.all(running)
      return left
    },
  }
}

function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((sum, { jpeg }) => sum + jpeg.length, 0)
}
