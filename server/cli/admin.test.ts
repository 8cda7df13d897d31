// Tests of what `sallyport admin reset-password` refuses; that it works is shown with a whole gateway in test/.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { createTestFolder, runCommand } from './test-support.ts'

test('a password of the environment is not reset behind its back', async (t) => {
  const options = { env: { ADMIN_PASSWORD: 'x'.repeat(12) }, workingDir: createTestFolder(t) }
  const result = await runCommand(['admin', 'reset-password'], options)
  assert.match(result.stderr, /ADMIN_PASSWORD is set and decides at every start/)
  assert.equal(result.exitCode, 1)
})

test('before the first start there is nothing to reset, and nothing is made', async (t) => {
  const workingDir = createTestFolder(t)
  const result = await runCommand(['admin', 'reset-password'], { workingDir })
  assert.match(result.stderr, /there is no installation in .*: start the gateway once/)
  assert.equal(result.exitCode, 1)
  assert.deepEqual(readdirSync(workingDir), [])
})
