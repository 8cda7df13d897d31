// Load program: cameras that send a frame each 1/fps of a second, each in its order; prints how many were accepted as JSON.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'

type Settings = {
  url: string
  keys: string[]
  camerasPerKey: number
  fps: number
  seconds: number
  file: string
}

const settings = JSON.parse(process.argv[2] ?? '{}') as Settings
const { url, keys, camerasPerKey, fps, seconds, file } = settings
const jpeg = readFileSync(file).toString('base64')
const agent = new Agent({ keepAlive: true })
const counts = { accepted: 0, refused: 0, late: 0 }
/** A camera that is so many frames behind drops the next one, as a real one would. */
const behindMax = 25

class Camera {
  #waiting = 0
  #isSending = false
  readonly #head: Record<string, string>
  readonly #body: (frame: number) => string
  #frame = 0

  constructor(key: string, id: string) {
    this.#head = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    this.#body = (frame) => `{"frame_data":"${jpeg}","frame_count":${frame},"camera_id":"${id}"}`
  }

  take(): void {
    if (this.#waiting >= behindMax) counts.late++
    else this.#waiting++
    if (!this.#isSending) this.#send()
  }

  #send(): void {
    if (this.#waiting === 0) return
    this.#waiting--
    this.#isSending = true
    const body = this.#body(++this.#frame)
    const headers = { ...this.#head, 'content-length': body.length }
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode === 200) counts.accepted++
      else counts.refused++
      response.resume().once('end', () => {
        this.#isSending = false
        this.#send()
      })
    })
    call.end(body, 'latin1')
  }
}

const cameras = keys.flatMap((key) =>
  Array.from({ length: camerasPerKey }, (_, index) => new Camera(key, `camera${index}`)),
)
const startedMs = performance.now()
let sent = 0
const pacer = setInterval(() => {
  const elapsedMs = performance.now() - startedMs
  const due = Math.min(Math.floor((elapsedMs / 1000) * fps * cameras.length), fps * seconds * cameras.length)
  for (; sent < due; sent++) cameras[sent % cameras.length]?.take()
  if (elapsedMs < seconds * 1000 + 500) return
  clearInterval(pacer)
  console.log(JSON.stringify({ ...counts, due }))
  process.exit()
}, 2)
