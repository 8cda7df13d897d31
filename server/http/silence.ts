// Finds clients that stopped in the middle: a body that hardly arrives any more, an answer that nobody takes.
import { setImmediate as nextTurn } from 'node:timers/promises'
import { AppError } from '@sallyport/contract'
import type { Call } from './call-context.ts'

export type SilenceLimits = { bodyIdleMs: number; answerIdleMs: number }

/** Fewer bytes are no progress: a client that sends one now and then holds its place as cheaply as a silent one. */
const progressBytesMin = 1024
const callsInTurn = 10

type Progress = { bytesRead: number; waitingBytes: number; sinceMs: number }

/** Remembers between two sweeps how far each call had come. */
export function createSilenceSweep(limits: SilenceLimits) {
  const progress = new WeakMap<Call, Progress>()
  /** The calls that stood still for too long. One sweep costs a few reads for each call in work, however busy it is. */
  return function findSilent(calls: Iterable<Call>, nowMs: number): Call[] {
    const silent: Call[] = []
    for (const call of calls) {
      const bytesRead = call.request.socket.bytesRead
      const waitingBytes = call.response.writableLength
      const last = progress.get(call)
      const hasMoved = last && bytesRead - last.bytesRead >= progressBytesMin
      if (!last || hasMoved || last.waitingBytes !== waitingBytes) {
        progress.set(call, { bytesRead, waitingBytes, sinceMs: nowMs })
        continue
      }
      const idleMs = nowMs - last.sinceMs
      if (isBodyMissing(call) && idleMs >= limits.bodyIdleMs) silent.push(call)
      else if (waitingBytes > 0 && idleMs >= limits.answerIdleMs) silent.push(call)
    }
    return silent
  }
}

/** A crowd is ended in small groups, a turn of the event loop for each: all at once they would hold up others. */
export async function endSilentCalls(calls: readonly Call[]): Promise<void> {
  for (const [index, call] of calls.entries()) {
    if (index > 0 && index % callsInTurn === 0) await nextTurn()
    endSilentCall(call)
  }
}

/** Answers a client whose body does not arrive; one that takes no answer is cut. */
function endSilentCall(call: Call): void {
  if (call.response.headersSent) {
    call.response.destroy()
    return
  }
  call.response.shouldKeepAlive = false
  call.fail(new AppError('request_timeout', { detail: 'the client stood still' }))
}

/**
 * Bytes that wait in our own buffer are not the client's fault: then the upstream is the slow one. Once an answer has
 * begun both sides talk as they like, and its own deadlines hold.
 */
function isBodyMissing({ request, response }: Call): boolean {
  return !request.complete && request.readableLength === 0 && !response.headersSent
}
