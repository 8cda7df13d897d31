// The published package: packed, installed elsewhere without the network, and run there.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)

test('the packed package installs offline, has no dependency, and its library and programs run', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pack-'))
  t.after(() => {
    rmSync(folder, { recursive: true })
    rmSync(join(import.meta.dirname, 'dist'), { recursive: true, force: true })
  })
  await run('npm', ['pack', '--pack-destination', folder], { cwd: import.meta.dirname })
  const [archive] = readdirSync(folder)
  assert.match(archive ?? '', /^sallyport-agent-.*\.tgz$/)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${archive}`], { cwd: folder })
  assert.deepEqual(
    readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['@sallyport'],
  )
  const { stdout } = await run(join(folder, 'node_modules/.bin/sallyport-device'), ['--help'])
  assert.match(stdout, /Usage: sallyport-device/)
  const camera = await run(join(folder, 'node_modules/.bin/sallyport-camera'), ['--help'])
  assert.match(camera.stdout, /Usage: sallyport-camera/)
  writeFileSync(
    join(folder, 'use.js'),
    "import { createClient } from '@sallyport/agent'\nconsole.log(createClient({ url: 'https://g.example.com/api/', apiKey: 'sp_x' }).providerUrl('openai', '/v1'))\n",
  )
  const used = await run(process.execPath, ['use.js'], { cwd: folder })
  assert.equal(used.stdout.trim(), 'https://g.example.com/proxy/openai/v1')
})
