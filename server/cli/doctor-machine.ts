// Doctor's look at the machine: Node, the data folder and its secrets, the `.env` file, room on the disk.
import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { type Finding, failure, ok, warning } from './finding.ts'

const nodeMajorMin = 24
const mebibyte = 1024 * 1024
const freeWarningBytes = 1024 * mebibyte
const freeFailureBytes = 256 * mebibyte

export function checkNode(version: string): Finding {
  if (Number(version.split('.', 1)[0]) >= nodeMajorMin) return ok(`Node ${version}`)
  return failure(
    `Node ${version} is too old`,
    `Run 'npm ci' (it brings Node 24 on Linux) and use ./sallyport, or install Node 24 or newer.`,
  )
}

/** The folder with its secrets, and how much room is left on its disk. */
export async function checkDataFolder(dataDir: string): Promise<Finding[]> {
  const mode = await modeOf(dataDir)
  if (mode === null) return [warning(`there is no data folder ${dataDir} yet`, `The first start makes it.`)]
  const findings = [await checkWritable(dataDir)]
  if (mode & 0o077) {
    findings.push(
      failure(`others on this machine may enter the data folder ${dataDir}`, `Run: chmod 700 ${dataDir}`),
    )
  }
  for (const name of ['secrets.json', 'admin-token']) {
    findings.push(...(await checkPrivateFile(join(dataDir, name))))
  }
  findings.push(await checkDiskSpace(dataDir))
  return findings
}

/** `.env` may hold passwords and keys. */
export async function checkDotEnv(workingDir: string): Promise<Finding[]> {
  return await checkPrivateFile(join(workingDir, '.env'))
}

async function checkWritable(dataDir: string): Promise<Finding> {
  try {
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK)
    return ok(`data folder ${dataDir}`)
  } catch {
    return failure(
      `this user may not write to the data folder ${dataDir}`,
      'Run the doctor and the gateway as the owner of the folder, or change its owner.',
    )
  }
}

/** Nothing for a file that is absent. */
async function checkPrivateFile(path: string): Promise<Finding[]> {
  const mode = await modeOf(path)
  if (mode === null) return []
  if ((mode & 0o077) === 0) return [ok(`${path} is for its owner only`)]
  return [failure(`others on this machine may read ${path}`, `Run: chmod 600 ${path}`)]
}

async function checkDiskSpace(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(dataDir)
  const freeBytes = bavail * bsize
  const text = `${Math.round(freeBytes / mebibyte).toLocaleString('en')} MiB free for ${dataDir}`
  const remedy = 'Make room, or move DATA_DIR to a larger disk: without room nothing can be written down.'
  if (freeBytes < freeFailureBytes) return failure(text, remedy)
  return freeBytes < freeWarningBytes ? warning(text, remedy) : ok(text)
}

async function modeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).mode & 0o777
  } catch {
    return null
  }
}
