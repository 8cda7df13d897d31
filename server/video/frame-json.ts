// Reads JSON that carries pictures in base64 without making JavaScript texts of them: they are cut out first, the small rest is parsed.
import { randomUUID } from 'node:crypto'
import { AppError } from '@sallyport/contract'
import { tooLarge } from './jpeg.ts'

/** The JSON with a stand-in for each picture, for the schema; and the pictures in their order. */
export type FrameJson = { value: unknown; pictures: Buffer[] }

const fieldName = 'frame_data'
const key = Buffer.from(`"${fieldName}"`)
const quote = 0x22
const colon = 0x3a
/** Of this process only, so that no caller can write one. */
const standIn = `${randomUUID()}:`

/** Throws AppError `malformed_request` or `body_too_large`. Reads what `JSON.parse` would, at a fraction of its cost. */
export function readFrameJson(body: Buffer, pictureBytesMax: number): FrameJson {
  if (body.length === 0)
    throw malformed('body: is empty although Content-Type says JSON; send a JSON object.')
  return readFast(body, pictureBytesMax) ?? readWhole(body, pictureBytesMax)
}

/** Null: not in the usual form (escapes in a picture, a key given twice, broken JSON); the slow way then tells. */
function readFast(body: Buffer, pictureBytesMax: number): FrameJson | null {
  const places: { start: number; end: number }[] = []
  let rest = ''
  let from = 0
  for (;;) {
    const at = body.indexOf(key, from)
    if (at < 0) break
    const afterKey = skipSpace(body, at + key.length)
    if (body[afterKey] !== colon) return null
    const opening = skipSpace(body, afterKey + 1)
    if (body[opening] !== quote) return null
    const end = body.indexOf(quote, opening + 1)
    if (end < 0) return null
    rest += `${body.toString('utf8', from, opening + 1)}${standIn}${places.length}`
    places.push({ start: opening + 1, end })
    from = end
  }
  const value = parse(rest + body.toString('utf8', from))
  const holders = holdersOf(value)
  const isUsual =
    value !== undefined &&
    holders.length === places.length &&
    holders.every((holder, index) => holder[fieldName] === `${standIn}${index}`)
  if (!isUsual) return null
  const pictures: Buffer[] = []
  for (const [index, { start, end }] of places.entries()) {
    const field = nameOf(value, index)
    if (((end - start) / 4) * 3 > pictureBytesMax + 3) throw tooLarge(field, pictureBytesMax)
    const picture = decodeBase64(body, start, end)
    if (picture === null) {
      if (body.subarray(start, end).includes('\\')) return null
      throw notBase64(field)
    }
    pictures.push(picture)
  }
  return { value, pictures }
}

function readWhole(body: Buffer, pictureBytesMax: number): FrameJson {
  const value = parse(body.toString('utf8'))
  if (value === undefined) throw malformed('body: is not valid JSON; send one JSON object.')
  const pictures = holdersOf(value).flatMap((holder, index) => {
    const given = holder[fieldName]
    if (typeof given !== 'string') return []
    const bytes = Buffer.from(given, 'latin1')
    const field = nameOf(value, index)
    if ((bytes.length / 4) * 3 > pictureBytesMax + 3) throw tooLarge(field, pictureBytesMax)
    const picture = bytes.length === Buffer.byteLength(given) ? decodeBase64(bytes, 0, bytes.length) : null
    if (picture === null) throw notBase64(field)
    holder[fieldName] = `${standIn}${index}`
    return [picture]
  })
  return { value, pictures }
}

/** Objects that may carry a picture: the order itself, or each entry of its list `frames`. */
function holdersOf(value: unknown): Record<string, unknown>[] {
  if (!isObject(value)) return []
  const list = Array.isArray(value.frames) ? value.frames : [value]
  return list.filter((entry) => isObject(entry) && Object.hasOwn(entry, fieldName))
}

function nameOf(value: unknown, index: number): string {
  return isObject(value) && Array.isArray(value.frames) ? `frames.${index}.${fieldName}` : fieldName
}

/** Null for anything but padded base64 of RFC 4648 section 4. */
function decodeBase64(bytes: Buffer, start: number, end: number): Buffer | null {
  const length = end - start
  if (length === 0 || length % 4 !== 0) return null
  const padding = bytes[end - 2] === 0x3d ? 2 : bytes[end - 1] === 0x3d ? 1 : 0
  // Node skips what is no base64, so that the decoded length tells; but it also takes the other alphabet.
  const picture = Buffer.from(bytes.toString('latin1', start, end), 'base64')
  if (picture.length !== (length / 4) * 3 - padding) return null
  if (holds(bytes, 0x2d, start, end) || holds(bytes, 0x5f, start, end)) return null
  return picture
}

function holds(bytes: Buffer, byte: number, start: number, end: number): boolean {
  const at = bytes.subarray(start, end).indexOf(byte)
  return at >= 0
}

function skipSpace(body: Buffer, from: number): number {
  let at = from
  while (body[at] === 0x20 || body[at] === 0x0a || body[at] === 0x0d || body[at] === 0x09) at++
  return at
}

/** Undefined: no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notBase64(field: string): AppError {
  return malformed(`${field}: is not base64; send the JPEG in the standard alphabet, padded, on one line.`)
}

function malformed(message: string): AppError {
  return new AppError('malformed_request', { message })
}
