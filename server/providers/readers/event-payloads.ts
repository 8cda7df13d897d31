// Takes the data of server-sent events out of a stream as it passes, line by line, and has each scanned; keeps no line.
import type { JsonScanner } from './json-scanner.ts'

const [lineFeed, carriageReturn] = [0x0a, 0x0d]
const field = Buffer.from('data:')
/** What some streams end with, and it is no JSON. */
const endMark = '[DONE]'
const headBytesMax = endMark.length + 2

export class EventPayloads {
  readonly #scanner: JsonScanner
  readonly #onEndMark: () => void
  /** Bytes of the field's name seen in this line; null: the line is another one. */
  #matched: number | null = 0
  #payloadBytes = 0
  #head = ''

  constructor(scanner: JsonScanner, onEndMark: () => void) {
    this.#scanner = scanner
    this.#onEndMark = onEndMark
  }

  push(chunk: Buffer): void {
    const lineFeeds = createSearch(chunk, lineFeed)
    const returns = createSearch(chunk, carriageReturn)
    let index = 0
    while (index < chunk.length) {
      const end = Math.min(lineFeeds(index), returns(index))
      this.#takeLinePart(chunk, index, end)
      if (end < chunk.length) this.#endLine()
      index = end + 1
    }
  }

  #takeLinePart(chunk: Buffer, from: number, to: number): void {
    let index = from
    while (index < to && this.#matched !== null && this.#matched < field.length) {
      this.#matched = chunk[index++] === field[this.#matched] ? this.#matched + 1 : null
    }
    if (this.#matched !== field.length || index === to) return
    if (this.#payloadBytes < headBytesMax) {
      const headEnd = Math.min(to, index + headBytesMax - this.#payloadBytes)
      this.#head += chunk.toString('latin1', index, headEnd)
    }
    this.#payloadBytes += to - index
    this.#scanner.scan(chunk, index, to)
  }

  #endLine(): void {
    if (this.#payloadBytes > 0) {
      if (this.#payloadBytes <= headBytesMax && this.#head.trim() === endMark) this.#onEndMark()
      this.#scanner.restart()
      this.#payloadBytes = 0
      this.#head = ''
    }
    this.#matched = 0
  }
}

/** Answers where the byte stands next, or the length of the chunk; each part of the chunk is searched once. */
function createSearch(chunk: Buffer, byte: number): (from: number) => number {
  let found = -1
  return (from) => {
    if (found < from) {
      const next = chunk.indexOf(byte, from)
      found = next < 0 ? chunk.length : next
    }
    return found
  }
}
