// The operator of the demo: commands as they would be typed, shown before they run.
import type { clientWithKeyAnswer } from '@sallyport/contract'
import type { z } from 'zod'
import { within } from '../support/eventually.ts'
import { type Gateway, spawnCommand } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { testSecrets } from '../support/storage.ts'
import { expect, say } from './narrator.ts'

export type Operator = {
  /** Runs a command, and answers what it answers in JSON. */
  ask<Answer>(...args: string[]): Promise<Answer>
  /** Runs a command for what it does. */
  order(...args: string[]): Promise<void>
}

export function operatorAt(scope: Scope, gateway: Gateway): Operator {
  async function run(args: readonly string[], ...hidden: string[]): Promise<string> {
    console.log(`\n     $ sallyport ${args.map((arg) => (arg.includes(' ') ? `"${arg}"` : arg)).join(' ')}`)
    const command = spawnCommand(scope, [...args, ...hidden, '--url', gateway.url], {
      folder: gateway.folder,
      env: { SALLYPORT_ADMIN_PASSWORD: testSecrets.ADMIN_PASSWORD },
    })
    const { code } = await within('the end of the command', command.exited)
    expect(code, 0, `the exit of the command (${command.output()})`)
    return command.output()
  }
  return {
    ask: async <Answer>(...args: string[]) => JSON.parse(await run(args, '--json')) as Answer,
    order: async (...args) => void (await run(args)),
  }
}

/** A new client's API key. */
export async function makeClient(
  operator: Operator,
  client: { name: string; email: string; externalId: string },
): Promise<string> {
  const wishes = ['--name', client.name, '--email', client.email, '--external-id', client.externalId]
  const { api_key: apiKey } = await operator.ask<z.infer<typeof clientWithKeyAnswer>>(
    ...['clients', 'create', ...wishes],
  )
  say('A client is made and gets a key of its own', `${apiKey.slice(0, 7)}… (shown once)`)
  return apiKey
}
