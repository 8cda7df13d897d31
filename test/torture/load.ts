// Steady load on a gateway: so many calls a second whatever the answers, each with what came back and how long it took.
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { from } from '../support/tokens.ts'

export type Order = {
  kind: string
  token: string
  address: string
  path?: string
  /** JSON, sent by POST. */
  body?: string
}

export type Sample = Order & {
  startedMs: number
  waitMs: number
  /** 0: the connection broke before an answer. */
  status: number
  code: string
  requestId: string
}

export type Load = {
  /** In the order of their end. */
  readonly samples: readonly Sample[]
  /** Lets the load go on for a while. */
  carryOn(durationMs: number): Promise<void>
  /** Resolves when every call has ended. */
  stop(): Promise<readonly Sample[]>
}

const tickMs = 10
/** Past every deadline that is proven: such a call hangs. */
const hangMs = 15_000

export function startLoad(options: { url: string; perSecond: number; next: () => Order[] }): Load {
  const { url, perSecond, next } = options
  const agent = new Agent({ keepAlive: true })
  const samples: Sample[] = []
  const running = new Set<Promise<unknown>>()
  const startedMs = performance.now()
  let sent = 0

  function begin(order: Order): void {
    const call = callOnce(url, order, agent).then((sample) => {
      samples.push(sample)
      running.delete(call)
    })
    running.add(call)
  }

  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) / 1000) * perSecond
    while (sent < due) {
      for (const order of next()) {
        sent++
        begin(order)
      }
    }
  }, tickMs)

  return {
    samples,
    carryOn: (durationMs) => pause(durationMs),
    async stop() {
      clearInterval(timer)
      await Promise.all(running)
      agent.destroy()
      return samples
    },
  }
}

/** One call; never rejects. */
export function callOnce(url: string, order: Order, agent?: Agent): Promise<Sample> {
  const startedMs = performance.now()
  return new Promise((resolve) => {
    let text = ''
    const end = (status: number, requestId = '') => {
      const code = /"code":"([a-z_]+)"/.exec(text)?.[1] ?? ''
      resolve({ ...order, startedMs, waitMs: performance.now() - startedMs, status, code, requestId })
    }
    const outgoing = request(`${url}${order.path ?? '/v1/models'}`, {
      ...(agent ? { agent } : {}),
      method: order.body === undefined ? 'GET' : 'POST',
      headers: {
        ...from(order.address, order.token),
        ...(order.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      timeout: hangMs,
    })
    outgoing.on('response', (response) => {
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('end', () => end(response.statusCode ?? 0, String(response.headers['x-request-id'])))
      response.on('error', () => end(0))
    })
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => end(0))
    outgoing.end(order.body)
  })
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** How often each status came, for messages: `200: 312, 403: 40`. */
export function countStatuses(samples: readonly Sample[]): string {
  const counts = new Map<string, number>()
  for (const { status, code } of samples) {
    const name = code ? `${status} ${code}` : String(status)
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${name}: ${count}`).join(', ') || 'no calls'
}
