// A disk so small that it can be filled.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Scope } from '../support/scope.ts'
import { NotPossibleError } from './report.ts'

const diskMegabytes = 4

/** A file system of a few megabytes in memory. */
export async function mountSmallDisk(scope: Scope): Promise<string> {
  const folder = await scope.folder()
  const options = ['-t', 'tmpfs', '-o', `size=${diskMegabytes}m`, 'tmpfs', folder]
  const { status } = spawnSync('mount', options, { stdio: 'ignore' })
  if (status !== 0) throw new NotPossibleError('needs root and the right to mount')
  scope.defer(() => spawnSync('umount', ['-l', folder]))
  return folder
}

/** Writes until the disk refuses the last byte. */
export function fillFile(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let bytes = 64 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) writeWhilePossible(file, bytes)
  } finally {
    closeSync(file)
  }
}

function writeWhilePossible(file: number, bytes: number): void {
  const chunk = Buffer.alloc(bytes)
  try {
    while (writeSync(file, chunk) === bytes);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
  }
}
