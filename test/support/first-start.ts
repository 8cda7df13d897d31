// A gateway that was given nothing but a port: it makes its secrets and prints the admin's password.
import assert from 'node:assert/strict'
import { freePort, type GatewayProcess, openFolder, spawnCommand, untilReady } from './gateway.ts'
import type { Scope } from './scope.ts'
import type { Environment } from './storage.ts'

export type FirstStart = {
  process: GatewayProcess
  url: string
  folder: string
  /** For further commands and starts in the same place. */
  env: Environment
  password: string
}

export async function startFresh(scope: Scope): Promise<FirstStart> {
  const folder = await openFolder(scope)
  const port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  const env = { APP_PORT: port }
  const process = spawnCommand(scope, ['start'], { folder, env })
  await untilReady(url, process)
  return { process, url, folder, env, password: findPassword(process.output()) }
}

/** The printed password: the last word of the line that speaks of it. */
export function findPassword(output: string): string {
  const line = output.split('\n').find((text) => /password/i.test(text))
  const password = line?.trim().split(/\s+/).at(-1)
  assert.ok(password, `a password is printed:\n${output}`)
  return password
}
