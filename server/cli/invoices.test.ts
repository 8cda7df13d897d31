// Tests of `sallyport invoices …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAnswer, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const invoice = {
  ...{ number: '2025-W40-001', kind: 'invoice', client_id: 7, week: '2025-W40', calls: 157 },
  ...{ total_micros: 2_430_000, tax_micros: 0, due_micros: 2_430_000, state: 'issued' },
  lines: [
    {
      ...{ endpoint: '/api/video/buffer', provider: null, model: null },
      ...{ quantity: 138, unit_price_micros: 10_000, total_micros: 1_380_000 },
    },
  ],
  ...{ issued_at: '2025-10-06T04:00:00.000Z', due_on: '2025-10-20', sent_at: null, mail_error: null },
  ...{ paid_on: null, paid_reference: null, cancels: null, cancelled_by: null },
}
const path = '/admin/api/invoices'
const run = (gateway: { url: string }, ...args: string[]) =>
  runCommand(['invoices', ...args, '--url', gateway.url], { env: signedIn })

test('run issues a week and shows what it is', async (t) => {
  const body = { week: '2025-W40', invoices: [invoice] }
  const gateway = await startGatewayStandIn(t, { [`POST ${path}/run`]: { body } })
  const result = await run(gateway, 'run', '--week', '2025-W40', '--allow-open')
  assert.equal(result.stderr, '')
  assert.match(result.stdout, /^NUMBER .*\n2025-W40-001 .* 157 .*2\.43.* issued /)
  assert.match(result.stdout, /1 invoices are issued/)
  assert.deepEqual(JSON.parse(gateway.received.at(-1)?.body ?? ''), {
    ...{ week: '2025-W40', dry_run: false, allow_open: true },
  })
})

test('a week that does not exist, a wrong number and a wrong date are usage errors that reach no gateway', async () => {
  const wrong: [args: string[], reason: RegExp][] = [
    [
      ['run', '--week', '2025-W54'],
      /^sallyport: --week: must be an ISO week such as 2025-W40; 2025 has the weeks 01 to 52/,
    ],
    [['run', '--week', 'W40'], /--week: must be an ISO week/],
    [['show', '12'], /"12" is not the number of an invoice/],
    [['pay', '2025-W40-001', '--date', 'today', '--reference', 'x'], /--date: must be a date/],
  ]
  for (const [args, reason] of wrong) {
    const result = await run({ url: 'http://127.0.0.1:1' }, ...args)
    assert.match(result.stderr, reason)
    assert.equal(result.exitCode, 64, args.join(' '))
  }
})

test('a week that is open is told in the words of the gateway', async (t) => {
  const open = errorAnswer(409, 'week_open', 'This week is not over yet.')
  const gateway = await startGatewayStandIn(t, { [`POST ${path}/run`]: open })
  const result = await run(gateway, 'run', '--week', '2025-W40')
  assert.equal(result.stderr, 'sallyport: This week is not over yet. (week_open, request req-1)\n')
  assert.equal(result.exitCode, 1)
})

test('show prints the lines, pay tells day and reference, void is confirmed by the number', async (t) => {
  const one = `${path}/2025-W40-001`
  const gateway = await startGatewayStandIn(t, {
    [`GET ${one}`]: { body: invoice },
    [`POST ${one}/pay`]: { body: { ...invoice, state: 'paid' } },
    [`POST ${one}/void`]: { body: { ...invoice, kind: 'credit_note', cancels: '2025-W40-001' } },
  })
  assert.match((await run(gateway, 'show', '2025-W40-001')).stdout, /\/api\/video\/buffer +138 .*1\.38/)
  await run(gateway, 'pay', '2025-W40-001', '--date', '2025-10-15', '--reference', 'statement 12')
  const payment = { date: '2025-10-15', reference: 'statement 12' }
  assert.deepEqual(JSON.parse(gateway.received.at(-1)?.body ?? ''), payment)
  assert.equal((await run(gateway, 'void', '2025-W40-001')).exitCode, 64)
  assert.match((await run(gateway, 'void', '2025-W40-001', '--yes')).stdout, /credit note of 2025-W40-001/)
})
