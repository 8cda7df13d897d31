// A rule's form sends what the server takes, and keeps its lines in step with the server's positions.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from '../api/api-error.ts'
import { ruleOf, useRuleForm } from './use-rule-form.ts'

test('mode all sends no addresses, mode single the first one', () => {
  assert.deepEqual(ruleOf({ mode: 'all', addresses: ['10.0.0.1'] }), { mode: 'all', allowed_ips: [] })
  assert.deepEqual(ruleOf({ mode: 'single', addresses: [' 10.0.0.1 ', '10.0.0.2'] }), {
    mode: 'single',
    allowed_ips: ['10.0.0.1'],
  })
})

test('blank lines are dropped before sending, so that an error finds its line', async () => {
  const form = useRuleForm(['mode', 'allowed_ips'])
  form.draft.mode = 'multiple'
  form.draft.addresses = ['', '10.0.0.1', ' ', 'x']
  const sent: string[][] = []
  const answer = await form.submit(async (rule) => {
    sent.push(rule.allowed_ips)
    throw new ApiError({ status: 400, code: 'malformed_request', message: 'allowed_ips: "x" is no address.' })
  })
  assert.equal(answer, null)
  assert.deepEqual(sent, [['10.0.0.1', 'x']])
  assert.deepEqual(form.draft.addresses, ['10.0.0.1', 'x'])
  assert.deepEqual(Object.keys(form.errors.value.byPosition), ['allowed_ips.1'])
  assert.equal(form.failure.value, undefined)
})

test('a failure that belongs to no field is shown above the form', async () => {
  const form = useRuleForm(['mode', 'allowed_ips'])
  await form.submit(() =>
    Promise.reject(new ApiError({ status: 404, code: 'not_found', message: 'It is gone.' })),
  )
  assert.equal(form.failure.value?.code, 'not_found')
})
