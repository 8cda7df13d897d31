// Holds docs/configuration.md and .env.example to the keys and defaults that the program really has.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Config, configFileJsonSchema, describeConfig, loadConfig } from '../config/config.ts'
import { describeConfigFile } from './config-file-rows.ts'
import { createTestFolder } from './test-support.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** Key and default of each row of a table on the page; † marks keys that PG_DSN makes necessary. */
function readRows(page: string): Map<string, string> {
  const rows = page.matchAll(/^\| `([A-Za-z0-9_.]+)`(?: †)? \| ([^|]+) \|/gm)
  return new Map([...rows].map(([, key = '', standard = '']) => [key, standard.replaceAll('`', '')]))
}

function listDefaults(config: Config, workingDir: string): Map<string, string> {
  const environment = describeConfig(config).map(({ key, value, source }) => {
    const shown = value === '-' ? '–' : value.replace(workingDir, '.')
    return [key, source === 'generated' ? 'generated' : shown] as const
  })
  const file = describeConfigFile(config, configFileJsonSchema()).map(
    ({ key, value }) => [key, value] as const,
  )
  return new Map([...environment, ...file])
}

test('docs/configuration.md holds exactly the keys and defaults of the program', (t) => {
  const workingDir = createTestFolder(t)
  const config = loadConfig({ env: {}, workingDir, createSecrets: false })
  const page = readRows(read('docs/configuration.md'))
  assert.deepEqual([...page].sort(), [...listDefaults(config, workingDir)].sort())
})

test('a key with another default on the page is found', () => {
  assert.deepEqual(
    [...readRows('| `APP_PORT` | `7000` | x |\n| `A.b_c` † | – | y |\n')],
    [
      ['APP_PORT', '7000'],
      ['A.b_c', '–'],
    ],
  )
})

test('.env.example names every key once and no other', (t) => {
  const config = loadConfig({ env: {}, workingDir: createTestFolder(t), createSecrets: false })
  const named = [...read('.env.example').matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, key]) => key)
  assert.deepEqual(
    named.sort(),
    describeConfig(config)
      .map(({ key }) => key)
      .sort(),
  )
})

test('.env.example can be used as it is', async (t) => {
  const { parseEnv } = await import('node:util')
  const env = parseEnv(read('.env.example'))
  assert.doesNotThrow(() => loadConfig({ env, workingDir: createTestFolder(t), createSecrets: false }))
})
