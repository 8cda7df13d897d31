// Reads a JSON text as it passes, in whatever pieces: a few named members are caught, texts are counted, nothing else is kept.

export type ScanTarget = {
  /** Members whose values are caught where they stand in the document itself, or right in one of `holders`. */
  names: readonly string[]
  holders: readonly string[]
  /** Members that are caught in the document itself only. */
  rootNames: readonly string[]
  /** Members whose values, when they are strings, are texts of a model; at any depth. */
  textNames: readonly string[]
}

/** A target as it is looked up: made once for each kind of answer, not for each answer. */
export type CompiledTarget = {
  names: ReadonlySet<string>
  holders: ReadonlySet<string>
  rootNames: ReadonlySet<string>
  textNames: ReadonlySet<string>
  /** Length and first byte of every name of interest: spares most others from becoming a string. */
  shapes: ReadonlySet<number>
}

export function compileTarget({ names, holders, rootNames, textNames }: ScanTarget): CompiledTarget {
  const all = [...names, ...holders, ...rootNames, ...textNames]
  return {
    names: new Set(names),
    holders: new Set(holders),
    rootNames: new Set(rootNames),
    textNames: new Set(textNames),
    shapes: new Set(all.map((name) => toShape(name.length, name.charCodeAt(0)))),
  }
}

/** What was caught of one document; undefined: not there, too long, or no JSON. */
export type Caught = (name: string) => unknown

const caughtBytesMax = 16 * 1024
const nameBytesMax = 32
const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const letterU = 0x75

/**
 * One pass over the bytes, without a stack: a string that a colon follows is a name. Broken JSON is read as far as it
 * makes sense; nothing throws. An array around everything holds one document after the other.
 */
export class JsonScanner {
  /** Bytes of texts so far, in all documents; an escape counts as one. */
  textBytes = 0
  readonly #target: CompiledTarget
  readonly #onDocument: (caught: Caught) => void
  readonly #caught = new Map<string, string>()
  readonly #read: Caught
  #depth = 0
  /** Depth of a document's members' surroundings: 0, and 1 within an array around everything. */
  #base = 0
  #isInString = false
  #isEscaped = false
  #hexDigitsLeft = 0
  #isText = false
  /** Beginning of the string that is being read, from earlier pieces; null: it is too long for a name. */
  #stringHead: string | null = ''
  #lastString: string | null = null
  /** Name of the value that comes next. */
  #valueName: string | null = null
  /** Name of the document's member that is being read. */
  #rootName: string | null = null
  #catching: { name: string; depth: number; parts: Buffer[]; bytes: number } | null = null

  constructor(target: CompiledTarget, onDocument: (caught: Caught) => void) {
    this.#target = target
    this.#onDocument = onDocument
    this.#read = (name) => parse(this.#caught.get(name))
  }

  /** What of the document that is being read was caught so far. */
  get unfinished(): Caught {
    return this.#read
  }

  /** Reads the bytes from `from` up to `to`. */
  scan(chunk: Buffer, from = 0, to = chunk.length): void {
    let caughtFrom = from
    let index = from
    while (index < to) {
      if (this.#isInString) {
        index = this.#scanString(chunk, index, to)
        if (!this.#isInString && this.#endsAtDepth()) this.#finishCatch(chunk, caughtFrom, index)
        continue
      }
      const byte = chunk[index++]
      if (byte === quote) this.#beginString()
      else if (byte === colon) {
        if (this.#takeName()) caughtFrom = index
      } else if (byte === comma) {
        if (this.#endsAtDepth()) this.#finishCatch(chunk, caughtFrom, index - 1)
        this.#valueName = null
      } else if (byte === openBrace || byte === openBracket) {
        this.#open(byte)
      } else if (byte === closeBrace || byte === closeBracket) {
        if (this.#endsAtDepth()) this.#finishCatch(chunk, caughtFrom, index - 1)
        this.#depth--
        if (this.#endsAtDepth()) this.#finishCatch(chunk, caughtFrom, index)
        this.#close()
      }
    }
    this.#keep(chunk, caughtFrom, to)
  }

  /** A new text begins, whatever became of the last one. */
  restart(): void {
    this.#depth = 0
    this.#base = 0
    this.#isInString = false
    this.#isEscaped = false
    this.#hexDigitsLeft = 0
    this.#lastString = null
    this.#valueName = null
    this.#forgetDocument()
  }

  #forgetDocument(): void {
    this.#caught.clear()
    this.#catching = null
    this.#rootName = null
  }

  #beginString(): void {
    this.#isInString = true
    this.#stringHead = ''
    this.#isText = this.#valueName !== null && this.#target.textNames.has(this.#valueName)
    this.#valueName = null
  }

  /** Up to the end of the string or of the piece; answers where it came to. */
  #scanString(chunk: Buffer, from: number, to: number): number {
    let index = from
    while (index < to) {
      if (this.#hexDigitsLeft > 0) {
        this.#hexDigitsLeft--
        index++
      } else if (this.#isEscaped) {
        this.#isEscaped = false
        if (chunk[index] === letterU) this.#hexDigitsLeft = 4
        if (this.#isText) this.textBytes++
        index++
      } else {
        const start = index
        let byte = chunk[index]
        while (index < to && byte !== quote && byte !== backslash) byte = chunk[++index]
        if (this.#isText) this.textBytes += index - start
        if (index === to) break
        index++
        if (byte === quote) {
          this.#endString(chunk, from, index - 1)
          return index
        }
        this.#isEscaped = true
      }
    }
    this.#extendHead(chunk, from, to)
    return to
  }

  #endString(chunk: Buffer, from: number, to: number): void {
    this.#isInString = false
    this.#isText = false
    this.#lastString = null
    const head = this.#stringHead
    if (head === null) return
    const length = head.length + to - from
    const first = head === '' ? chunk[from] : head.charCodeAt(0)
    if (this.#target.shapes.has(toShape(length, first ?? 0)))
      this.#lastString = head + chunk.toString('latin1', from, to)
  }

  #extendHead(chunk: Buffer, from: number, to: number): void {
    if (this.#stringHead === null) return
    const isTooLong = this.#stringHead.length + to - from > nameBytesMax
    this.#stringHead = isTooLong ? null : this.#stringHead + chunk.toString('latin1', from, to)
  }

  /** The last string was a name; true: its value is caught from here on. */
  #takeName(): boolean {
    const name = this.#lastString
    this.#lastString = null
    this.#valueName = name
    const level = this.#depth - this.#base
    if (level === 1) this.#rootName = name
    if (name === null || this.#catching !== null || !this.#isWanted(name, level)) return false
    this.#catching = { name, depth: this.#depth, parts: [], bytes: 0 }
    return true
  }

  #isWanted(name: string, level: number): boolean {
    if (level === 1) return this.#target.names.has(name) || this.#target.rootNames.has(name)
    const isHeld = level === 2 && this.#rootName !== null && this.#target.holders.has(this.#rootName)
    return isHeld && this.#target.names.has(name)
  }

  #open(byte: number): void {
    if (this.#depth === 0 && byte === openBracket) this.#base = 1
    this.#depth++
    this.#valueName = null
  }

  #close(): void {
    this.#valueName = null
    if (this.#depth < 0) this.#depth = 0
    if (this.#depth !== this.#base) return
    this.#onDocument(this.#read)
    this.#forgetDocument()
  }

  #endsAtDepth(): boolean {
    return this.#catching !== null && this.#catching.depth === this.#depth
  }

  #finishCatch(chunk: Buffer, from: number, to: number): void {
    const caught = this.#catching
    this.#catching = null
    if (caught === null) return
    // The last one of a name counts, so one that cannot be used takes out the one before.
    if (caught.bytes + to - from > caughtBytesMax) this.#caught.delete(caught.name)
    else if (caught.bytes === 0) this.#caught.set(caught.name, chunk.toString('utf8', from, to))
    else {
      const parts = [...caught.parts, chunk.subarray(from, to)]
      this.#caught.set(caught.name, Buffer.concat(parts).toString())
    }
  }

  /** Copies, because a piece is part of a large buffer that must not be held. */
  #keep(chunk: Buffer, from: number, to: number): void {
    const caught = this.#catching
    if (caught === null) return
    caught.bytes += to - from
    if (caught.bytes > caughtBytesMax) caught.parts = []
    else caught.parts.push(Buffer.from(chunk.subarray(from, to)))
  }
}

function toShape(length: number, firstByte: number): number {
  return length * 256 + firstByte
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
