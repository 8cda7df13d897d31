// What a test needs from the machine: absent tools skip it by name, and fail it where SALLYPORT_FULL is 1.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { delimiter, join } from 'node:path'
import { Client } from 'pg'

/** The suite's external engines; CI sets these when it started its own. */
export const postgresDsn = process.env.TEST_PG_DSN ?? 'postgresql://root@127.0.0.1:5432/postgres'
export const redisAddr = process.env.TEST_REDIS_ADDR ?? 'redis://127.0.0.1:6379'
export const chromiumPath = '/usr/bin/chromium'

const probes = {
  postgres: () => canLogIn(postgresDsn),
  redis: () => canConnect(redisAddr, 6379),
  chromium: () => existsSync(chromiumPath),
  ffmpeg: () => ['ffmpeg', 'ffprobe'].every(isCommand),
  rtsp: canServeRtsp,
  root: () => process.getuid?.() === 0,
  linux: () => process.platform === 'linux',
} satisfies Record<string, () => boolean | Promise<boolean>>

export type Need = keyof typeof probes

const known = new Map<Need, Promise<boolean>>()

/** Options for `test`: `{ skip: false }`, or the reason why the machine cannot run it. */
export async function needs(...wanted: readonly Need[]): Promise<{ skip: string | false }> {
  const missing: Need[] = []
  for (const need of wanted) {
    const found = known.get(need) ?? Promise.resolve(probes[need]())
    known.set(need, found)
    if (!(await found)) missing.push(need)
  }
  if (missing.length === 0) return { skip: false }
  const reason = `needs ${missing.join(' and ')}`
  if (process.env.SALLYPORT_FULL === '1') throw new Error(`SALLYPORT_FULL=1, but this test ${reason}`)
  return { skip: reason }
}

function isCommand(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)))
}

/** GStreamer's RTSP server, driven by the machine's own Python (`test/support/rtsp-server.py`). */
function canServeRtsp(): boolean {
  const imports =
    'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer'
  return spawnSync('/usr/bin/python3', ['-c', imports], { stdio: 'ignore' }).status === 0
}

/** A server that stands but does not know our account is as good as none. */
async function canLogIn(dsn: string): Promise<boolean> {
  const client = new Client({ connectionString: dsn, connectionTimeoutMillis: 2000 })
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end()
  }
}

function canConnect(address: string, standardPort: number): Promise<boolean> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || standardPort, timeout: 2000 })
    const settle = (found: boolean) => {
      socket.destroy()
      resolve(found)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
    socket.once('timeout', () => settle(false))
  })
}
