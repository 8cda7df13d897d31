// Files whose bytes are taken on disk ahead of their use: zeros, with which no line begins.
import { close, closeSync, open, openSync, rmSync, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'

export type Room = { readonly path: string; readonly file: number }

const openLater = promisify(open)
const writeLater = promisify(write)
const closeLater = promisify(close)

/** At once, for who can't wait. Zeros are written and not only promised: what is written over them is there for certain. */
export function takeRoom(path: string, bytes: number): Room {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeWhole(file, Buffer.alloc(bytes), 0)
    return { path, file }
  } catch (error) {
    closeSync(file)
    rmSync(path, { force: true })
    throw error
  }
}

/** The same beside other work: a busy disk may take its time. */
export async function takeRoomAhead(path: string, bytes: number): Promise<Room> {
  const file = await openLater(path, 'wx', 0o600)
  try {
    const zeros = Buffer.alloc(bytes)
    for (let written = 0; written < bytes; ) {
      written += (await writeLater(file, zeros, written, bytes - written, written)).bytesWritten
    }
    return { path, file }
  } catch (error) {
    await closeLater(file)
    rmSync(path, { force: true })
    throw error
  }
}

export function giveBack({ path, file }: Room): void {
  closeSync(file)
  rmSync(path, { force: true })
}

export function writeWhole(file: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(file, bytes, written, bytes.length - written, position + written)
  }
}
