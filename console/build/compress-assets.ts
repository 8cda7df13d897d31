// Vite plugin that writes a .gz beside each text file of the build, so that the gateway compresses nothing while serving.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Plugin } from 'vite'

const compress = promisify(gzip)
const textFile = /\.(js|css|html|svg|json|txt)$/
/** Below one packet compression saves nothing. */
const bytesMin = 1024

async function compressFile(path: string): Promise<void> {
  const content = await readFile(path)
  if (content.length < bytesMin) return
  await writeFile(`${path}.gz`, await compress(content, { level: 9 }))
}

export function compressAssets(): Plugin {
  let folder = ''
  return {
    name: 'sallyport:compress-assets',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir)
    },
    async closeBundle() {
      const entries = await readdir(folder, { recursive: true })
      await Promise.all(
        entries.filter((entry) => textFile.test(entry)).map((entry) => compressFile(join(folder, entry))),
      )
    },
  }
}
