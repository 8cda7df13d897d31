// `sallyport jwt …`: the secrets that sign device tokens, worked on in the database that all replicas share.
import type { Command } from 'commander'
import { createSigningRing } from '../identity/identity.ts'
import { loadCommandConfig, withInstallation } from './installation.ts'
import { printLine, type Terminal } from './terminal.ts'

export function defineJwt(command: Command, terminal: Terminal): void {
  command
    .command('rotate')
    .description('sign device tokens with a new secret; tokens signed before stay good until they expire')
    .action(async () => {
      const { kid } = await withInstallation(loadCommandConfig(terminal), terminal, async (installation) => {
        const ring = await createSigningRing(installation)
        try {
          return await ring.rotate(installation.record)
        } finally {
          ring.close()
        }
      })
      printLine(terminal, `Device tokens are signed with the new key ${kid} from now on, by every replica.`)
      printLine(terminal, 'Tokens signed before stay good until they expire.')
    })
}
