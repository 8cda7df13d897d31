// Reasons of refused requests find their fields.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from './api-error.ts'
import { fieldErrorsOf, placeAtEntry, reasonAt } from './field-errors.ts'

const refused = (message: string, details?: string[]) =>
  new ApiError({ status: 400, code: 'malformed_request', message, details })

test('each reason stands at the field that it names, without the name', () => {
  const error = refused('x', ['archive_days: must be at least 1.', 'alert_webhook_url: must be a URL.'])
  const { byField, other } = fieldErrorsOf(error, ['archive_days', 'alert_webhook_url'])
  assert.deepEqual(byField, { archive_days: 'must be at least 1.', alert_webhook_url: 'must be a URL.' })
  assert.deepEqual(other, [])
})

test('without details the message is the reason', () => {
  const error = refused('ip: "999.1.1.1" is not an IP address such as 203.0.113.7.')
  assert.match(fieldErrorsOf(error, ['ip']).byField.ip ?? '', /^"999\.1\.1\.1" is not/)
})

test('a reason about a field that the form does not have is not lost', () => {
  assert.deepEqual(fieldErrorsOf(refused('body: is not valid JSON.'), ['ip']).other, [
    'body: is not valid JSON.',
  ])
})

test('a position in a list names the entry', () => {
  const { byPosition } = fieldErrorsOf(refused('allowed_ips.2: is too long.'), ['allowed_ips'])
  assert.deepEqual(byPosition, { 'allowed_ips.2': 'is too long.' })
})

test('a field inside another is found by its own name', () => {
  const error = refused('x', ['settings.requests_per_minute: must be a number.', 'scopes.1: must be video.'])
  const errors = fieldErrorsOf(error, ['requests_per_minute', 'scopes'])
  assert.deepEqual(errors.byField, { requests_per_minute: 'must be a number.' })
  assert.equal(reasonAt(errors, 'scopes'), 'must be video.')
  assert.equal(reasonAt(errors, 'requests_per_minute'), 'must be a number.')
  assert.equal(reasonAt(errors, 'models'), undefined)
})

test('two reasons at one field are both said', () => {
  const error = refused('x', ['ip: one.', 'ip: two.'])
  assert.equal(fieldErrorsOf(error, ['ip']).byField.ip, 'one. two.')
})

test('an address that the reason quotes is marked in its own line', () => {
  const errors = fieldErrorsOf(refused('allowed_ips: "300.1.1.1" is neither an IP address nor a CIDR.'), [
    'allowed_ips',
  ])
  const placed = placeAtEntry(errors, 'allowed_ips', ['10.0.0.1', ' 300.1.1.1 '])
  assert.deepEqual(Object.keys(placed.byPosition), ['allowed_ips.1'])
  assert.deepEqual(placed.byField, {})
})

test('a reason that quotes no entry stays with the whole list', () => {
  const errors = fieldErrorsOf(refused('allowed_ips: mode "single" needs at least one address.'), [
    'allowed_ips',
  ])
  assert.deepEqual(placeAtEntry(errors, 'allowed_ips', ['']), errors)
})
