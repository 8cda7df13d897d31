// One turn of the load tool wrk, and what it reports.
import { join } from 'node:path'
import { runLoad } from './measured-process.ts'
import type { Peer } from './peers.ts'

export type WrkOptions = {
  seconds: number
  connections?: number
  path?: string
  script?: string | null
  env?: Record<string, string>
  headers?: Record<string, string>
}

export type WrkReport = { requestsPerSecond: number; bytesPerSecond: number }

const units: Readonly<Record<string, number>> = { B: 1, KB: 2 ** 10, MB: 2 ** 20, GB: 2 ** 30 }

/** Throws when an answer was none of the 200s: a figure with refusals in it says nothing. */
export async function runWrk(
  peer: Pick<Peer, 'name' | 'url' | 'headers'>,
  options: WrkOptions,
): Promise<WrkReport> {
  const { seconds, connections = 64, path = '/v1/chat/completions', script = 'post.lua' } = options
  const command = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '20s']
  if (script !== null) command.push('-s', join(import.meta.dirname, script))
  for (const [name, value] of Object.entries({ ...peer.headers, ...options.headers }))
    command.push('-H', `${name}: ${value}`)
  const report = await runLoad([...command, `${peer.url}${path}`], options.env)
  const failed = /Non-2xx or 3xx responses: .*|Socket errors: .*/.exec(report)
  if (failed) throw new Error(`${peer.name}: answers were not as they should be: ${failed[0]}`)
  return parseReport(report)
}

function parseReport(text: string): WrkReport {
  const transfer = /Transfer\/sec:\s+([\d.]+)([KMG]?B)/.exec(text)
  const requests = /Requests\/sec:\s+([\d.]+)/.exec(text)
  if (!transfer || !requests) throw new Error(`no report of wrk:\n${text}`)
  return {
    requestsPerSecond: Number(requests[1]),
    bytesPerSecond: Number(transfer[1]) * (units[transfer[2] ?? ''] ?? 1),
  }
}
