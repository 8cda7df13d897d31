// Commands of `./sallyport` as tests give them: each in a process of its own on the machine of a gateway, or many from elsewhere.
import assert from 'node:assert/strict'
import { runCommand } from '../../server/cli/test-support.ts'
import { within } from './eventually.ts'
import { type Gateway, spawnCommand } from './gateway.ts'
import type { Scope } from './scope.ts'
import { type Environment, testSecrets } from './storage.ts'

export type Run = (...args: string[]) => Promise<{ code: number | null; output: string }>

/** Runs commands on the machine of a gateway, each in a process of its own. */
export function commandsAt(scope: Scope, folder: string, env: Environment = {}): Run {
  return async (...args) => {
    const command = spawnCommand(scope, args, { folder, env })
    const { code } = await within(`sallyport ${args.join(' ')}`, command.exited)
    return { code, output: command.output() }
  }
}

/** Runs commands against the address of a gateway; in this process, because there are many. */
export function remoteAt(gateway: Gateway): Run {
  return async (...args) => {
    const env = { SALLYPORT_ADMIN_PASSWORD: testSecrets.ADMIN_PASSWORD }
    const { exitCode, stdout, stderr } = await runCommand([...args, '--url', gateway.url], {
      ...{ env, now: Date.now },
    })
    return { code: exitCode, output: stdout + stderr }
  }
}

/** The same, each with success. */
export function withSuccess(run: Run): (...args: string[]) => Promise<string> {
  return async (...args) => {
    const { code, output } = await run(...args)
    assert.equal(code, 0, `sallyport ${args.join(' ')}:\n${output}`)
    return output
  }
}
