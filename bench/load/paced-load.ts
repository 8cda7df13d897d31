// Load program: calls at a steady pace, however long each one takes; prints the percentiles of their latency as JSON.
import { Agent, request } from 'node:http'
import { percentile } from '../rounds.ts'

type Settings = { url: string; token: string; callsPerSecond: number; seconds: number }

const { url, token, callsPerSecond, seconds } = JSON.parse(process.argv[2] ?? '{}') as Settings
const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const body = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Say hello to the people who are measuring this proxy, briefly.' }],
})
const headers = {
  authorization: `Bearer ${token}`,
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
}
const latenciesMs: number[] = []
const startedMs = performance.now()
let sent = 0
let open = 0
const pacer = setInterval(sendDue, 1)

function sendDue(): void {
  const elapsedMs = performance.now() - startedMs
  const isOver = elapsedMs >= seconds * 1000
  if (isOver) clearInterval(pacer)
  const due = Math.floor((Math.min(elapsedMs, seconds * 1000) / 1000) * callsPerSecond)
  for (; sent < due; sent++) send()
  if (isOver && open === 0) report()
}

function send(): void {
  open++
  const sentMs = performance.now()
  const call = request(url, { method: 'POST', agent, headers }, (response) => {
    if (response.statusCode !== 200) throw new Error(`status ${response.statusCode}`)
    response.resume().once('end', () => {
      latenciesMs.push(performance.now() - sentMs)
      open--
      if (open === 0 && performance.now() - startedMs >= seconds * 1000) report()
    })
  })
  call.end(body)
}

function report(): void {
  agent.destroy()
  console.log(JSON.stringify({ p50Ms: percentile(latenciesMs, 0.5), p99Ms: percentile(latenciesMs, 0.99) }))
  process.exit()
}
