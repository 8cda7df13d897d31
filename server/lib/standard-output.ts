// Standard output for many short lines: gathered, and written by a thread of Node's, so that a slow reader holds up no request.
import { write, writeSync } from 'node:fs'

export type StandardOutput = {
  write(line: string): void
  /** Returns when everything written so far has left the process, or cannot leave it. */
  flush(): void
}

const standardOutput = 1
/** Each write wakes a thread, which costs more than making a hundred lines does. */
const batchCharacters = 32 * 1024
const waitMs = 100
/** While nobody reads, this much waits; lines on top of it are lost. */
const waitingCharactersMax = 16 * 1024 * 1024
const flushMsMax = 1000
const nothing = Buffer.alloc(0)

/** Open until the process ends, which writes what is left. */
export function openStandardOutput(): StandardOutput {
  let gathered = ''
  /** Taken from `gathered`, not yet written. */
  let leaving: Buffer = nothing
  let isWriting = false
  let isSendDue = false

  function sendLater(): void {
    if (isSendDue) return
    isSendDue = true
    setTimeout(() => {
      isSendDue = false
      send()
    }, waitMs).unref()
  }

  function send(): void {
    if (isWriting) return
    takeGathered()
    if (leaving.length === 0) return
    isWriting = true
    write(standardOutput, leaving, (error, written) => {
      isWriting = false
      // A closed pipe or a full disk: these lines are lost, and the process goes on.
      if (error && !isBusy(error)) leaving = nothing
      else leaving = leaving.subarray(written)
      if (error) sendLater()
      else if (leaving.length > 0 || gathered.length >= batchCharacters) send()
    })
  }

  function takeGathered(): void {
    if (leaving.length > 0) return
    leaving = Buffer.from(gathered)
    gathered = ''
  }

  function flush(): void {
    const untilMs = performance.now() + flushMsMax
    // What a thread is at, it ends before the process does.
    if (isWriting) leaving = nothing
    for (takeGathered(); leaving.length > 0; takeGathered()) {
      try {
        leaving = leaving.subarray(writeSync(standardOutput, leaving))
      } catch (error) {
        if (!isBusy(error) || performance.now() > untilMs) return
      }
    }
  }

  process.once('exit', flush)
  return {
    write(line) {
      if (gathered.length >= waitingCharactersMax) return
      gathered += line
      if (gathered.length >= batchCharacters) send()
      else sendLater()
    },
    flush,
  }
}

/** A pipe that takes nothing right now. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN'
}
