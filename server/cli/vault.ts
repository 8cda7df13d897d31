// `sallyport vault …`: how provider keys are sealed, and sealing them under another master key.
import type { Command } from 'commander'
import { createSigningRing, holdClient } from '../identity/identity.ts'
import { createVault, type RotationProgress } from '../vault/vault.ts'
import { type Installation, loadCommandConfig, withInstallation } from './installation.ts'
import { createProgressBar } from './progress-bar.ts'
import { printLine, type Terminal } from './terminal.ts'

export function defineVault(command: Command, terminal: Terminal): void {
  command
    .command('status')
    .description('how many provider keys are sealed, and how many of them under a former master key')
    .action(async () => {
      const { keys, outdated } = await withInstallation(
        loadCommandConfig(terminal),
        terminal,
        (installation) => withVault(installation, (vault) => vault.status()),
      )
      printLine(terminal, `Provider keys: ${keys}, under a former master key: ${outdated}`)
      if (outdated > 0) printLine(terminal, "'sallyport vault rotate' seals them under MASTER_KEY.")
    })
  command
    .command('rotate')
    .description('seal everything under the present MASTER_KEY; can be interrupted and run again')
    .action(async () => {
      const bar = createProgressBar(terminal, 'provider keys')
      const sealed = await withInstallation(loadCommandConfig(terminal), terminal, (installation) =>
        rotate(installation, bar.show),
      ).finally(bar.end)
      printLine(
        terminal,
        `Everything is sealed under MASTER_KEY now; of the provider keys ${sealed} were not before.`,
      )
      printLine(
        terminal,
        'MASTER_KEY_PREVIOUS is no longer needed once every replica runs with this MASTER_KEY.',
      )
    })
}

function rotate(
  installation: Installation,
  onProgress: (progress: RotationProgress) => void,
): Promise<number> {
  return withVault(installation, (vault) => vault.rotate(() => resealSigningKeys(installation), onProgress))
}

/** Signing keys that a former master key sealed are sealed anew by being read. */
async function resealSigningKeys(installation: Installation): Promise<void> {
  const ring = await createSigningRing(installation)
  ring.close()
}

async function withVault<Result>(
  installation: Installation,
  work: (vault: ReturnType<typeof createVault>) => Promise<Result>,
): Promise<Result> {
  const vault = createVault({ ...installation, holdClient })
  try {
    return await work(vault)
  } finally {
    vault.close()
  }
}
