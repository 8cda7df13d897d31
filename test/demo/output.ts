// What the demo leaves to be looked at: files in `demo-output/` of the checkout, which git does not know.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../support/gateway.ts'

const name = 'demo-output'
const folder = join(repository, name)

/** Takes away what an earlier demo left. */
export async function emptyOutput(): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder)
}

/** Where a file of the demo lies, and how it is told. */
export function outputPath(file: string): { path: string; shown: string } {
  return { path: join(folder, file), shown: `${name}/${file}` }
}

/** Answers how the file is told. */
export async function keepOutput(file: string, content: Uint8Array): Promise<string> {
  const { path, shown } = outputPath(file)
  await writeFile(path, content)
  return shown
}
