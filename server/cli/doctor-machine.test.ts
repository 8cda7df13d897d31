// Tests of doctor's look at Node, the data folder, its secrets and `.env`.
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkDataFolder, checkDotEnv, checkNode } from './doctor-machine.ts'
import type { Finding } from './finding.ts'
import { createTestFolder } from './test-support.ts'

const failuresOf = (findings: Finding[]) => findings.filter(({ level }) => level === 'failure')

test('Node 24 and newer are well, older ones are not', () => {
  assert.equal(checkNode('24.0.0').level, 'ok')
  assert.equal(checkNode('26.1.0').level, 'ok')
  assert.equal(checkNode('22.9.0').level, 'failure')
})

test('a data folder for its owner only is well, and one that is not made yet is no failure', async (t) => {
  const dataDir = join(createTestFolder(t), 'data')
  assert.deepEqual(
    (await checkDataFolder(dataDir)).map(({ level }) => level),
    ['warning'],
  )
  mkdirSync(dataDir, { mode: 0o700 })
  writeFileSync(join(dataDir, 'secrets.json'), '{}', { mode: 0o600 })
  assert.deepEqual(failuresOf(await checkDataFolder(dataDir)), [])
})

test('a data folder or a secret that others may read is a failure with the command that mends it', async (t) => {
  const dataDir = createTestFolder(t)
  chmodSync(dataDir, 0o755)
  for (const name of ['secrets.json', 'admin-token']) {
    writeFileSync(join(dataDir, name), '')
    chmodSync(join(dataDir, name), 0o640)
  }
  assert.deepEqual(
    failuresOf(await checkDataFolder(dataDir)).map(({ remedy }) => remedy),
    [
      `Run: chmod 700 ${dataDir}`,
      `Run: chmod 600 ${join(dataDir, 'secrets.json')}`,
      `Run: chmod 600 ${join(dataDir, 'admin-token')}`,
    ],
  )
})

test('a .env that others may read is a failure, an absent one is not mentioned', async (t) => {
  const workingDir = createTestFolder(t)
  assert.deepEqual(await checkDotEnv(workingDir), [])
  writeFileSync(join(workingDir, '.env'), '')
  chmodSync(join(workingDir, '.env'), 0o644)
  assert.equal((await checkDotEnv(workingDir))[0]?.level, 'failure')
  chmodSync(join(workingDir, '.env'), 0o600)
  assert.equal((await checkDotEnv(workingDir))[0]?.level, 'ok')
})
