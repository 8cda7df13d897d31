// OpenAI's streams of chat completions tell their usage only when asked to: asks, and takes the answer's extra chunk out again.
import { isObject, type JsonObject } from './json-object.ts'

/** What follows a chunk that is left out: its line's end and the empty line, each CR, LF or both. */
const lineEndsOfEvent = 2
const [lineFeed, carriageReturn] = [0x0a, 0x0d]
/** A line longer than this is no usage chunk and goes on as it comes. */
const lineBytesMax = 16 * 1024
const none = Buffer.alloc(0)
const field = Buffer.from('data:')
const withoutChoice = /"choices"\s*:\s*\[\s*\]/

/** The body that asks for usage, too; null: the caller asked already, streams nothing, or asks in a way that is for the provider to refuse. */
export function askForUsage(body: JsonObject): JsonObject | null {
  if (body.stream !== true) return null
  const options = body.stream_options ?? {}
  if (!isObject(options) || options.include_usage === true) return null
  return { ...body, stream_options: { ...options, include_usage: true } }
}

/** Leaves every byte as it is but those of the usage chunk. Of a line that may be it, the beginning is held until its end. */
export class UsageChunkFilter {
  #held = none
  /** The rest of this line goes on as it comes. */
  #isOpen = false
  #lineEndsToDrop = 0
  #droppedReturn = false

  /** What of the stream goes on now; may be empty. */
  pass(chunk: Buffer): Buffer {
    const text = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = none
    const parts: Buffer[] = []
    let keptFrom = this.#dropLineEnds(text, 0)
    let lineFrom = keptFrom
    while (lineFrom < text.length) {
      const end = findLineEnd(text, lineFrom)
      const isLine = end < text.length
      const line = text.subarray(lineFrom, end)
      if (isLine && !this.#isOpen && isUsageChunk(line)) {
        parts.push(text.subarray(keptFrom, lineFrom))
        this.#lineEndsToDrop = lineEndsOfEvent
        keptFrom = this.#dropLineEnds(text, end)
        lineFrom = keptFrom
        continue
      }
      if (!isLine && !this.#isOpen && mayBecomeUsageChunk(line)) {
        // A copy: a piece is part of a large buffer.
        this.#held = Buffer.from(line)
        parts.push(text.subarray(keptFrom, lineFrom))
        return join(parts)
      }
      this.#isOpen = !isLine
      lineFrom = end + 1
    }
    parts.push(text.subarray(keptFrom))
    return join(parts)
  }

  /** The stream has ended: what was held belongs to it. */
  end(): Buffer {
    const rest = this.#held
    this.#held = none
    return isUsageChunk(rest) ? none : rest
  }

  /** Answers where the line ends that are to be dropped are over. */
  #dropLineEnds(text: Buffer, from: number): number {
    let index = from
    while (index < text.length) {
      const byte = text[index]
      if (byte === lineFeed && this.#droppedReturn) this.#droppedReturn = false
      else if (this.#lineEndsToDrop > 0 && (byte === lineFeed || byte === carriageReturn)) {
        this.#lineEndsToDrop--
        this.#droppedReturn = byte === carriageReturn
      } else break
      index++
    }
    if (index < text.length) {
      this.#lineEndsToDrop = 0
      this.#droppedReturn = false
    }
    return index
  }
}

function findLineEnd(text: Buffer, from: number): number {
  const feed = text.indexOf(lineFeed, from)
  const end = feed < 0 ? text.length : feed
  const back = text.subarray(from, end).indexOf(carriageReturn)
  return back < 0 ? end : from + back
}

function mayBecomeUsageChunk(line: Buffer): boolean {
  if (line.length > lineBytesMax) return false
  const length = Math.min(line.length, field.length)
  return line.subarray(0, length).equals(field.subarray(0, length))
}

/** One without any choice, only with usage. */
function isUsageChunk(line: Buffer): boolean {
  if (line.length < field.length || !mayBecomeUsageChunk(line)) return false
  const text = line.toString('utf8', field.length)
  // Spares the others from being parsed: each of them says that it has no usage.
  if (!withoutChoice.test(text)) return false
  try {
    const chunk: unknown = JSON.parse(text)
    if (!isObject(chunk) || !isObject(chunk.usage)) return false
    return Array.isArray(chunk.choices) && chunk.choices.length === 0
  } catch {
    return false
  }
}

function join(parts: Buffer[]): Buffer {
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
}
