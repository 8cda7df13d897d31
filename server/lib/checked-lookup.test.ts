// Nothing may be sent to where metadata services live, by address or by a name that leads there.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { assertAllowedHost, checkedLookup } from './checked-lookup.ts'

const lookUp = promisify(
  checkedLookup as (name: string, options: object, done: (error: Error | null) => void) => void,
)

test('addresses of link-local networks are refused in every spelling, others pass', () => {
  const forbidden = [
    'http://169.254.169.254/latest/meta-data',
    'http://[::ffff:169.254.169.254]/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://0.0.0.0/',
  ]
  for (const url of forbidden) assert.throws(() => assertAllowedHost(url), /nothing may be sent to/, url)
  for (const url of [
    'http://127.0.0.1/',
    'https://10.0.0.1:8443/',
    'http://[::1]/',
    'https://name.example/',
  ]) {
    assertAllowedHost(url)
  }
})

test('a name is resolved and checked in one step', async () => {
  await lookUp('localhost', {})
  await lookUp('127.0.0.1', { all: true })
  await assert.rejects(lookUp('169.254.169.254', { all: true }), /nothing may be sent to 169\.254\.169\.254/)
  await assert.rejects(lookUp('no-such-host.invalid', {}), /ENOTFOUND|EAI_AGAIN/)
})
