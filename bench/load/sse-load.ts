// Load program: opens streams, reads their events for some seconds, and prints how long these were on their way as JSON.
import { Agent, type IncomingMessage, request } from 'node:http'
import { percentile } from '../rounds.ts'

type Settings = { url: string; token: string; streams: number; settleSeconds: number; seconds: number }

const { url, token, streams, settleSeconds, seconds } = JSON.parse(process.argv[2] ?? '{}') as Settings
/** Connections being opened at a time. */
const openingMax = 100
const agent = new Agent({ keepAlive: false, maxSockets: streams })
const sentPattern = /"sent":(\d+)/g
const delaysMs: number[] = []
let isMeasuring = false

await Promise.all(Array.from({ length: openingMax }, openShare))
await pause(settleSeconds)
isMeasuring = true
await pause(seconds)
const [p50Ms, p99Ms] = [percentile(delaysMs, 0.5), percentile(delaysMs, 0.99)]
console.log(JSON.stringify({ events: delaysMs.length, p50Ms, p99Ms }))
process.exit()

async function openShare(_: unknown, first: number): Promise<void> {
  for (let index = first; index < streams; index += openingMax) await openStream()
}

function openStream(): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-length': 2 }
    const call = request(url, { method: 'POST', agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`status ${response.statusCode}`))
      response.on('data', takeEvents).once('close', () => endEarly(response))
      resolve()
    })
    call.once('error', reject)
    call.end('{}')
  })
}

function takeEvents(chunk: Buffer): void {
  if (!isMeasuring) return
  const nowNs = process.hrtime.bigint()
  for (const [, sent = '0'] of chunk.toString('latin1').matchAll(sentPattern)) {
    delaysMs.push(Number(nowNs - BigInt(sent)) / 1e6)
  }
}

function endEarly(response: IncomingMessage): void {
  throw new Error(`a stream ended while it was measured (${response.statusCode})`)
}

function pause(pauseSeconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseSeconds * 1000))
}
