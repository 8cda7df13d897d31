// Whether a picture is a JPEG that can be taken: its marks, its end, its size. Nothing is decoded.
import { AppError } from '@sallyport/contract'
import { readJpegSize } from './jpeg-size.ts'

/** 8K: a picture that claims more would cost whoever decodes it gigabytes. */
const pixelsMax = 7680 * 4320
/** Cameras pad: the end mark is looked for in so many last bytes. */
const tailBytes = 1024
const startMark = 0xffd8ff
const endMark = Buffer.from([0xff, 0xd9])

/** What is wrong with the picture; null: nothing. `field` names it for the caller. */
export function refuseJpeg(jpeg: Buffer, field: string, bytesMax: number): AppError | null {
  if (jpeg.length > bytesMax) return tooLarge(field, bytesMax)
  if (jpeg.length < 4 || jpeg.readUIntBE(0, 3) !== startMark) return malformed(field, 'is not a JPEG')
  const size = readJpegSize(jpeg)
  if (size === null) return malformed(field, 'is not a JPEG that tells its width and height')
  if (size.width * size.height > pixelsMax) {
    return malformed(field, `has ${size.width} × ${size.height} pixels, more than 8K (7680 × 4320)`)
  }
  const hasEnd = jpeg.subarray(-tailBytes).lastIndexOf(endMark) >= 0
  return hasEnd ? null : malformed(field, 'is a JPEG that was cut off: it has no end')
}

export function tooLarge(field: string, bytesMax: number): AppError {
  return new AppError('body_too_large', { message: `${field}: is larger than ${bytesMax} bytes.` })
}

function malformed(field: string, problem: string): AppError {
  return new AppError('malformed_request', { message: `${field}: ${problem}.` })
}
