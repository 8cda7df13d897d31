// Tests of the command line as a whole: help, usage errors and how each kind of failure ends.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { AppError } from '@sallyport/contract'
import { CommandFailure, exitCodes, explainFailure } from './failure.ts'
import { createTestFolder, runCommand } from './test-support.ts'

test('--help names every group and ends well', async () => {
  const result = await runCommand(['--help'])
  assert.equal(result.exitCode, 0)
  const groups =
    'start config doctor clients keys devices providers bindings logs settings audit admin jwt vault'
  for (const group of groups.split(' ')) {
    assert.match(result.stdout, new RegExp(`^  ${group} `, 'm'))
  }
})

test('--version is that of the package', async () => {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  assert.deepEqual(await runCommand(['--version']), { exitCode: 0, stdout: `${version}\n`, stderr: '' })
})

test('help of a group shows its subcommands', async () => {
  for (const args of [
    ['bindings', '--help'],
    ['help', 'bindings'],
  ]) {
    const result = await runCommand(args)
    assert.equal(result.exitCode, 0)
    assert.match(result.stdout, /^ {2}set-ip /m)
  }
})

test('a usage error is one line of its own kind with exit code 64 and nothing on standard output', async () => {
  const wrong = [
    { args: ['bogus'], reason: /unknown command 'bogus'/ },
    { args: ['bindings', 'bogus'], reason: /unknown command 'bogus'/ },
    { args: ['bindings', 'list', '--bogus'], reason: /unknown option '--bogus'/ },
    { args: ['bindings', 'ban'], reason: /missing required argument 'id'/ },
    { args: ['bindings', 'ban', '1', '2'], reason: /too many arguments/ },
    { args: ['settings', 'set'], reason: /missing required argument/ },
  ]
  for (const { args, reason } of wrong) {
    const result = await runCommand(args)
    assert.match(result.stderr, /^sallyport: /)
    assert.match(result.stderr, reason)
    assert.equal(result.stdout, '')
    assert.equal(result.exitCode, 64)
  }
})

test('without a command the help goes to standard error with exit code 64', async () => {
  const result = await runCommand([])
  assert.match(result.stderr, /^Usage: sallyport/)
  assert.equal(result.exitCode, 64)
})

test('every wrong configuration value has its own line and the exit code is 78', async (t) => {
  const workingDir = createTestFolder(t)
  writeFileSync(join(workingDir, 'sallyport.yaml'), 'limits: { headers_timeout: 5 }\n')
  const env = { APP_PORT: 'seven', HOST: '127.0.0.1', BINDING_MODE: 'maybe' }
  const result = await runCommand(['config', 'check'], { env, workingDir })
  const lines = result.stderr.trimEnd().split('\n')
  assert.equal(lines.length, 3)
  assert.match(lines[0] ?? '', /^sallyport: APP_PORT: .* Example: APP_PORT=7000$/)
  assert.match(lines[1] ?? '', /^sallyport: BINDING_MODE: /)
  assert.match(lines[2] ?? '', /^sallyport: .*sallyport\.yaml: limits: .*headers_timeout/)
  assert.equal(result.exitCode, 78)
})

test('errors of the rooms are told apart by their names', () => {
  const named = (name: string) => Object.assign(new Error('what is wrong'), { name })
  const cases: [unknown, number][] = [
    [named('ConfigError'), exitCodes.config],
    [named('DataFolderInUseError'), exitCodes.inUse],
    [named('EngineAwayError'), exitCodes.unavailable],
    [named('StoreStartError'), exitCodes.unavailable],
    [new CommandFailure('what is wrong', exitCodes.refused), exitCodes.refused],
    [new AppError('internal_error', { detail: 'what is wrong' }), exitCodes.failure],
    [new AppError('conflict', { message: 'what is wrong' }), exitCodes.failure],
    [new Error('what is wrong'), exitCodes.failure],
    ['what is wrong', exitCodes.failure],
  ]
  for (const [error, exitCode] of cases) {
    const printed: string[] = []
    const stderr = new Writable({
      write(part, _encoding, done) {
        printed.push(String(part))
        done()
      },
    })
    assert.equal(explainFailure(error, { stderr }), exitCode)
    assert.deepEqual(printed, ['sallyport: what is wrong\n'])
  }
})
