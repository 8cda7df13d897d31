// Configuration: every value checked, every wrong key named with an example, secrets made once.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, configFileJsonSchema, describeConfig, loadConfig } from './config.ts'

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-config-'))
  try {
    work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function problemsOf(env: Record<string, string>, folder: string): readonly string[] {
  try {
    loadConfig({ env, workingDir: folder })
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.problems
  }
  return []
}

const external = {
  PG_DSN: 'postgresql+asyncpg://u:p@db:5432/sallyport',
  SENTINEL_HMAC_SECRET: 'p'.repeat(32),
  ADMIN_PASSWORD: 'a-long-password',
  ADMIN_JWT_SECRET: 'j'.repeat(32),
  MASTER_KEY: `${'A'.repeat(43)}=`,
}

test('nothing set is a working configuration with secrets generated once, for their owner only', () => {
  inFolder((folder) => {
    const first = loadConfig({ env: {}, workingDir: folder })
    const second = loadConfig({ env: {}, workingDir: folder })
    assert.equal(first.appPort, 7000)
    assert.equal(first.host, '127.0.0.1')
    assert.equal(first.sources.pepper, 'generated')
    assert.equal(first.pepper.reveal(), second.pepper.reveal())
    assert.equal(statSync(join(folder, 'data/secrets.json')).mode & 0o777, 0o600)
  })
})

test('looking at the configuration writes nothing', () => {
  inFolder((folder) => {
    loadConfig({ env: {}, workingDir: folder, createSecrets: false })
    assert.throws(() => statSync(join(folder, 'data')))
  })
})

test('damaged generated secrets stop the start instead of being made anew', () => {
  inFolder((folder) => {
    loadConfig({ env: {}, workingDir: folder })
    const path = join(folder, 'data/secrets.json')
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, 50))
    assert.match(problemsOf({}, folder).join(), /secrets\.json: .*backup/)
  })
})

test('the environment wins over .env, .env over the default, aliases count, empty means unset', () => {
  inFolder((folder) => {
    writeFileSync(join(folder, '.env'), 'PORT=7100\nARCHIVE_DAYS=30\n')
    const config = loadConfig({ env: { APP_PORT: '7200', HOST: ' ' }, workingDir: folder })
    assert.deepEqual([config.appPort, config.archiveDays, config.host], [7200, 30, '127.0.0.1'])
    assert.deepEqual(
      [config.sources.appPort, config.sources.archiveDays, config.sources.host],
      ['environment', '.env', 'default'],
    )
  })
})

test('every wrong value is named at once, with what is wrong and an example', () => {
  inFolder((folder) => {
    const wrong = {
      APP_PORT: '70000',
      TRUSTED_PROXY_IPS: '10.0.0.0/8, 010.0.0.1',
      SENTINEL_FAILSAFE_MODE: 'ajar',
      DOWNSTREAM_URL: 'ftp://x',
      DOWNSTREAM_ANONYMOUS: '/v1/models',
      SENTINEL_HMAC_SECRET: 'short',
      ALERT_WEBHOOK_SECRET: 'short',
      MASTER_KEY: 'not base64',
    }
    const problems = problemsOf(wrong, folder)
    for (const name of Object.keys(wrong)) {
      assert.ok(
        problems.some((line) => line.startsWith(`${name}: `) && line.includes(`Example: ${name}=`)),
        `${name} in ${problems.join('\n')}`,
      )
    }
    assert.match(problems.join('\n'), /"010\.0\.0\.1" is neither/)
    assert.doesNotMatch(problems.join('\n'), /short|not base64/, 'the value of a secret is not repeated')
  })
})

test('an address that would be read otherwise than it is written is refused', () => {
  inFolder((folder) => {
    const wrong: [name: string, values: string[]][] = [
      ['HOST', ['0.0.0.0:7000', 'not_a_host', 'http://a', '127.0.0.1,::1']],
      ['DOWNSTREAM_URL', ['http://user:word@a', 'http://a/?b', 'localhost:3000']],
      ['REDIS_ADDR', ['http://a', 'postgresql://a']],
      ['DOWNSTREAM_ANONYMOUS', ['/%76%31', '//v1', '/a//b', '/v1', 'assets']],
    ]
    for (const [name, values] of wrong) {
      for (const value of values) {
        assert.match(problemsOf({ [name]: value }, folder).join(), new RegExp(`^${name}: must `), value)
      }
    }
    const right = {
      HOST: '::1',
      REDIS_ADDR: 'redis.internal:6379',
      DOWNSTREAM_ANONYMOUS: '/,/api/status,/assets/',
    }
    assert.deepEqual(problemsOf({ ...right, CONSOLE_PORT: '7001' }, folder), [])
    assert.deepEqual(problemsOf({ HOST: 'gateway-1.internal' }, folder), [])
  })
})

test('beside an external database the secrets must come from the environment', () => {
  inFolder((folder) => {
    const config = loadConfig({ env: external, workingDir: folder })
    assert.equal(config.embedded, null)
    assert.equal(config.pgDsn?.reveal(), 'postgresql://u:p@db:5432/sallyport')
    assert.throws(() => statSync(join(folder, 'data')))
    for (const name of ['SENTINEL_HMAC_SECRET', 'ADMIN_PASSWORD', 'ADMIN_JWT_SECRET', 'MASTER_KEY']) {
      assert.match(
        problemsOf({ ...external, [name]: '' }, folder).join(),
        new RegExp(`^${name}: must be set when PG_DSN is`),
      )
    }
  })
})

test('anonymous paths of the downstream need the console on its own port', () => {
  inFolder((folder) => {
    assert.match(
      problemsOf({ DOWNSTREAM_ANONYMOUS: '/api' }, folder).join(),
      /^CONSOLE_PORT: must be set together/,
    )
    assert.deepEqual(problemsOf({ DOWNSTREAM_ANONYMOUS: '/api', CONSOLE_PORT: '7001' }, folder), [])
  })
})

test('origins that may call are given as browsers send them, one by one', () => {
  inFolder((folder) => {
    assert.deepEqual(problemsOf({ CORS_ORIGINS: 'https://a.example, http://localhost:5173' }, folder), [])
    for (const value of [
      '*',
      'null',
      'a.example',
      'https://a.example/',
      'https://a.example:443',
      'ftp://a',
    ]) {
      assert.match(problemsOf({ CORS_ORIGINS: value }, folder).join(), /^CORS_ORIGINS: must be origins/)
    }
  })
})

test('the YAML file is checked by name, and a named file must be there', () => {
  inFolder((folder) => {
    writeFileSync(join(folder, 'sallyport.yaml'), 'limits:\n  header_bytes_max: 8192\n')
    const config = loadConfig({ env: {}, workingDir: folder })
    assert.equal(config.limits.header_bytes_max, 8192)
    assert.equal(config.retention.intercepts_days, 180)
    writeFileSync(join(folder, 'sallyport.yaml'), 'limits:\n  header_bytes_maximum: 8192\n')
    assert.match(problemsOf({}, folder).join(), /sallyport\.yaml: limits: .*header_bytes_maximum/)
    writeFileSync(join(folder, 'sallyport.yaml'), 'retention:\n  usage_days: 31\n')
    assert.match(problemsOf({}, folder).join(), /sallyport\.yaml: retention\.usage_days: must be 32 or more/)
    assert.match(problemsOf({ CONFIG_FILE: 'gone.yaml' }, folder).join(), /^CONFIG_FILE: there is no file/)
    writeFileSync(join(folder, 'sallyport.yaml'), 'limits: [')
    assert.match(problemsOf({}, folder).join(), /not readable as YAML/)
  })
})

test('the configuration can be shown without a secret in it', () => {
  inFolder((folder) => {
    const rows = describeConfig(loadConfig({ env: external, workingDir: folder }))
    const shown = JSON.stringify(rows)
    for (const secret of [
      external.SENTINEL_HMAC_SECRET,
      external.ADMIN_PASSWORD,
      external.ADMIN_JWT_SECRET,
      external.MASTER_KEY,
      'u:p@db',
    ]) {
      assert.equal(shown.includes(secret), false)
    }
    assert.deepEqual(rows.find((row) => row.key === 'PG_DSN')?.value, '[secret]')
  })
})

test('the YAML file has a JSON Schema that refuses unknown keys', () => {
  const schema = JSON.stringify(configFileJsonSchema())
  assert.match(schema, /"header_bytes_max"/)
  assert.match(schema, /"additionalProperties":false/)
})
