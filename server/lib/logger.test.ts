// Logs: only allow-listed fields are written, and a Secret never shows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createLogger, type LogFields } from './logger.ts'
import { Secret } from './secret.ts'

function capture(format: 'json' | 'pretty') {
  const lines: string[] = []
  const logger = createLogger({
    format,
    level: 'info',
    destination: { write: (line: string) => void lines.push(line) },
  })
  return { lines, logger }
}

test('a field that is not on the list is not written, whatever it is called', () => {
  const { lines, logger } = capture('json')
  const fields = {
    path: '/v1/models',
    'x-api-key': 'canary-1',
    authorization: 'canary-2',
    body: { apiKey: 'canary-3' },
  }
  logger.info('request', fields as LogFields)
  assert.match(lines.join(''), /"path":"\/v1\/models"/)
  assert.doesNotMatch(lines.join(''), /canary/)
})

test('an error is told by class, code and first line, with its cause, without its stack', () => {
  const { lines, logger } = capture('json')
  const cause = Object.assign(new Error('connect ECONNREFUSED\nsecond line canary'), { code: 'ECONNREFUSED' })
  logger.error('no', { error: new Error('outer', { cause }) })
  const { error } = JSON.parse(lines.join('')) as { error: string }
  assert.equal(error, 'Error: outer <- Error ECONNREFUSED: connect ECONNREFUSED')
})

test('pretty lines are for people', () => {
  const { lines, logger } = capture('pretty')
  logger.warn('look', { code: 'ip_not_allowed' })
  assert.match(lines.join(''), /WARN {2}look code=ip_not_allowed\n$/)
})

test('a secret shows in no text, JSON or inspection', () => {
  const secret = new Secret('canary')
  assert.equal(`${secret} ${JSON.stringify({ secret })} ${inspect({ secret })}`.includes('canary'), false)
  assert.equal(secret.reveal(), 'canary')
})
