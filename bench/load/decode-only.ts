// What reading a frame costs at least: JSON.parse and base64 alone, in one process; prints frames a second.
import { readFileSync } from 'node:fs'

type Settings = { file: string; seconds: number }

const { file, seconds } = JSON.parse(process.argv[2] ?? '{}') as Settings
const body = readFileSync(file)
let frames = 0
const startedMs = performance.now()
while (performance.now() - startedMs < seconds * 1000) {
  const { frame_data: data } = JSON.parse(body.toString()) as { frame_data: string }
  if (Buffer.from(data, 'base64').length === 0) throw new Error('nothing was decoded')
  frames++
}
console.log(JSON.stringify({ perSecond: (frames * 1000) / (performance.now() - startedMs) }))
