// Proof: an upstream that hangs, lies or floods costs its own callers an error in time, and nobody else anything.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import type { Gateway } from '../support/gateway.ts'
import { from, newToken } from '../support/tokens.ts'
import { type Bystanders, openBystanders } from './bystanders.ts'
import { type HostileServer, openHostileServer } from './hostile-server.ts'
import { LateError, type Proof, type Trial } from './report.ts'
import { closedByMs, startWithSmallLimits } from './small-limits.ts'

const callers = 50
/** They come within a second. */
const arrivalMs = 20
const growthBytesMax = 64 * 1024 * 1024
const address = '203.0.113.8'
/** How long a client listens to an endless answer before it has heard enough. */
const patienceMs = 1500

type Outcome = {
  status: number
  code: string
  bodyBytes: number
  /** The answer came to its regular end. */
  isWhole: boolean
  waitMs: number
}

/** What a caller of `/v1/<path>` must see. */
const lies: readonly { path: string; told: string; fits: (outcome: Outcome) => boolean }[] = [
  { path: 'no-answer', told: '504 in time', fits: ({ code }) => code === 'upstream_timeout' },
  { path: 'only-headers', told: 'cut off in time', fits: (seen) => seen.status === 200 && !seen.isWhole },
  { path: 'too-short', told: 'a break, not an end', fits: (seen) => seen.status === 200 && !seen.isWhole },
  { path: 'too-long', told: 'no byte more than declared', fits: ({ bodyBytes }) => bodyBytes === 4 },
  { path: 'endless-1xx', told: 'an error in time', fits: ({ status }) => status === 502 || status === 504 },
  { path: 'huge-headers', told: '502', fits: ({ code }) => code === 'upstream_protocol_error' },
  { path: 'no-http', told: '502', fits: ({ code }) => code === 'upstream_protocol_error' },
  { path: 'two-lengths', told: '502', fits: ({ code }) => code === 'upstream_protocol_error' },
]

export const provesHostileUpstreams: Proof = {
  name: 'hostile-upstreams',
  async run(prove, _options, scope) {
    const upstream = await openHostileServer(scope)
    const gateway = await startWithSmallLimits(scope, upstream.url)
    const bystanders = await openBystanders({ gateway, upstreamUrl: upstream.url })
    for (const { path, told, fits } of lies) {
      await prove(`upstream with ${path}: its callers are told ${told}`, (trial) =>
        sufferLie({ trial, gateway, bystanders, path, fits }),
      )
    }
    await prove('upstream with endless bodies: slow readers set the pace, leaving frees it', (trial) =>
      leaveEndlessBodies(trial, { gateway, upstream, bystanders }),
    )
  },
}

type Scene = { gateway: Gateway; upstream: HostileServer; bystanders: Bystanders }
type Suffering = Omit<Scene, 'upstream'> & {
  trial: Trial
  path: string
  fits: (outcome: Outcome) => boolean
}

async function sufferLie({ trial, gateway, bystanders, path, fits }: Suffering): Promise<void> {
  await bystanders.assertUndisturbed({
    ...{ trial, growthBytesMax },
    async attack() {
      const outcomes = await hearMany(`${gateway.url}/v1/${path}`)
      const odd = outcomes.find((outcome) => !fits(outcome))
      assert.equal(odd, undefined, `a caller saw ${JSON.stringify(odd)}`)
      const slowestMs = Math.max(...outcomes.map(({ waitMs }) => waitMs))
      trial.note(`${callers} callers, the last told after ${slowestMs.toFixed(0)} ms`)
      if (slowestMs > closedByMs)
        throw new LateError(`a caller waited ${slowestMs} ms, ${closedByMs} at most`)
    },
  })
}

/** Clients that read a little of an endless answer and hang up. */
async function leaveEndlessBodies(trial: Trial, { gateway, upstream, bystanders }: Scene): Promise<void> {
  await bystanders.assertUndisturbed({
    ...{ trial, growthBytesMax },
    async attack() {
      await hearMany(`${gateway.url}/v1/endless-body`, patienceMs)
      await eventually('the upstream being freed', async () => (await upstream.pouringSockets()) === 0, 3000)
    },
  })
}

async function hearMany(url: string, readForMs: number | null = null): Promise<Outcome[]> {
  const token = newToken()
  const calls: Promise<Outcome>[] = []
  for (let count = 0; count < callers; count++) {
    calls.push(hear(url, token, readForMs))
    await pause(arrivalMs)
  }
  return Promise.all(calls)
}

/** One call heard to its end; with `readForMs` it reads only the first chunk and hangs up after that time. */
function hear(url: string, token: string, readForMs: number | null): Promise<Outcome> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    const seen: Omit<Outcome, 'waitMs'> = { status: 0, code: '', bodyBytes: 0, isWhole: false }
    const outgoing = request(url, { agent: false, headers: from(address, token) })
    outgoing.on('response', (response) => {
      seen.status = response.statusCode ?? 0
      response.on('data', (chunk: Buffer) => {
        seen.bodyBytes += chunk.length
        seen.code ||= /"code":"([a-z_]+)"/.exec(chunk.toString('latin1'))?.[1] ?? ''
        if (readForMs !== null) response.pause()
      })
      response.on('end', () => {
        seen.isWhole = response.complete
      })
    })
    if (readForMs !== null) setTimeout(() => outgoing.destroy(), readForMs)
    outgoing.on('error', () => null)
    outgoing.on('close', () => resolve({ ...seen, waitMs: performance.now() - startedMs }))
    outgoing.end()
  })
}
