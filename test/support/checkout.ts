// A second copy of this checkout, as another operator has it: elsewhere on the disk, owned by another account.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, cp } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { type Account, openFolder, repository } from './gateway.ts'
import type { Scope } from './scope.ts'

/** The unprivileged account that every Linux system has. */
export const nobody: Account = { uid: 65534, gid: 65534 }

/** Copies the sources and links the installed packages into a new folder under `parent`, writable for `account`. */
export async function copyCheckout(scope: Scope, parent: string, account: Account | null): Promise<string> {
  const folder = await openFolder(scope, parent)
  await cp(repository, folder, {
    recursive: true,
    filter: (path) => !/(^|\/)(node_modules|\.git|data|\.env)$/.test(relative(repository, path)),
  })
  for (const workspace of ['', 'contract', 'server', 'agent']) {
    const packages = join(repository, workspace, 'node_modules')
    if (existsSync(packages)) linkFolder(packages, join(folder, workspace, 'node_modules'))
  }
  if (account) await chown(folder, account.uid, account.gid)
  return folder
}

/** Hard links take no room and no time; across file systems only a copy is possible. */
function linkFolder(from: string, to: string): void {
  try {
    execFileSync('cp', ['-al', from, to], { stdio: 'ignore' })
  } catch {
    execFileSync('cp', ['-a', from, to])
  }
}
