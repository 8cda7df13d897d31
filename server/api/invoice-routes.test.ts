// Invoices over HTTP: what admins may do, what a client sees of its own, and that another's looks like none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedEvents, writeEvents } from '../billing/test-support.ts'
import { openApiTest, withoutRequestId } from './test-support.ts'

/** Weeks that are over, whatever the day: the events are of the year 2025. */
const week = '2025-W40'

test('an admin issues, lists, exports, pays and takes back; each change is recorded', async (t) => {
  const { admin, makeClient, database } = await openApiTest(t)
  const [acme, globex] = [await makeClient('Acme'), await makeClient('Globex')]
  await writeEvents(database, seedEvents(acme.id, globex.id))
  const run = await admin('POST', '/invoices/run', { week })
  assert.equal(run.status, 200, run.text)
  const invoices = run.json.invoices as { number: string; calls: number; total_micros: number }[]
  assert.deepEqual(
    invoices.map(({ number, calls, total_micros }) => [number, calls, total_micros]),
    [
      ['2025-W40-001', 157, 2_430_000],
      ['2025-W40-002', 89, 1_320_000],
    ],
  )
  assert.deepEqual((await admin('POST', '/invoices/run', { week })).json, run.json)
  const list = await admin('GET', `/invoices?client_id=${globex.id}&week=${week}&state=issued`)
  assert.deepEqual([list.json.total, list.json.items], [1, [invoices[1]]])
  const csv = await admin('GET', `/invoices/export?client_id=${acme.id}`)
  assert.deepEqual(csv.text.split('\r\n').slice(0, 2), [
    'number,kind,client_id,week,state,issued_at,endpoint,provider,model,quantity,unit_price_micros,total_micros',
    `2025-W40-001,invoice,${acme.id},2025-W40,issued,${csv.text.match(/issued,([^,]+)/)?.[1]},/api/alert,,,2,100000,200000`,
  ])
  const pay = await admin('POST', '/invoices/2025-W40-002/pay', { date: '2025-10-15', reference: 'x' })
  assert.deepEqual([pay.status, pay.json.state], [200, 'paid'])
  const note = await admin('POST', '/invoices/2025-W40-001/void')
  assert.deepEqual([note.json.number, note.json.kind], ['2025-W40-003', 'credit_note'])
  assert.equal((await admin('POST', '/invoices/2025-W40-001/send')).error?.code, 'mail_not_configured')
  const details = { method: 'direct_debit', iban: 'de89 3704 0044 0532 0130 00' }
  const put = await admin('PUT', `/clients/${acme.id}/payment-details`, details)
  assert.deepEqual([put.status, put.json.iban], [200, 'DE89370400440532013000'])
  assert.deepEqual((await admin('GET', `/clients/${acme.id}/payment-details`)).json, put.json)
  const audit = (await admin('GET', '/audit')).json.items as { action: string }[]
  const actions = audit
    .map(({ action }) => action)
    .filter((action) => !/^(client\.create|admin\.)/.test(action))
  assert.deepEqual(actions, ['client.payment_details', 'invoice.void', 'invoice.pay', 'invoice.run'])
})

test('a client reads its own invoices as data, page and PDF; another’s is word for word like none', async (t) => {
  const { admin, makeClient, makeKey, database, call } = await openApiTest(t)
  const [acme, globex] = [await makeClient('Acme'), await makeClient('Globex')]
  await writeEvents(database, seedEvents(acme.id, globex.id))
  await admin('POST', '/invoices/run', { week })
  const get = (path: string, token = acme.apiKey) => call('GET', `/api/invoices${path}`, { token })
  const list = await get('')
  assert.deepEqual(
    [list.json.total, (list.json.items as { client_id: number }[])[0]?.client_id],
    [1, acme.id],
  )
  assert.equal((await get('/2025-W40-001')).json.total_micros, 2_430_000)
  const page = await get('/2025-W40-001.html')
  assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8'])
  assert.match(page.text, /€2\.43/)
  const pdf = await get('/2025-W40-001.pdf')
  assert.deepEqual([pdf.status, pdf.headers.get('content-type')], [200, 'application/pdf'])
  assert.ok(pdf.text.startsWith('%PDF-'))
  for (const ending of ['', '.html', '.pdf']) {
    const foreign = await get(`/2025-W40-002${ending}`)
    assert.equal(foreign.status, 404)
    assert.equal(withoutRequestId(foreign), withoutRequestId(await get(`/2025-W40-777${ending}`)))
  }
  const narrow = await makeKey(acme.id, { scopes: ['video'] })
  for (const path of ['', '/2025-W40-001']) {
    assert.equal((await get(path, narrow.apiKey)).error?.code, 'scope_missing')
    assert.equal((await call('GET', `/api/invoices${path}`)).status, 401)
    assert.equal((await call('GET', `/admin/api/invoices${path}`, { token: acme.apiKey })).status, 401)
  }
})

test('deleting a client invoices what is open, or drops it when that is asked', async (t) => {
  const { admin, makeClient, database } = await openApiTest(t)
  const [acme, globex] = [await makeClient('Acme'), await makeClient('Globex')]
  await writeEvents(database, seedEvents(acme.id, globex.id))
  assert.equal((await admin('DELETE', `/clients/${acme.id}`)).status, 200)
  assert.equal((await admin('DELETE', `/clients/${globex.id}?usage=drop`)).status, 200)
  const { items } = (await admin('GET', '/invoices')).json as {
    items: { client_id: number; calls: number }[]
  }
  assert.deepEqual(
    items.map(({ client_id, calls }) => [client_id, calls]),
    [[acme.id, 157]],
  )
})

test('malformed runs, numbers and payment details are refused with what is wrong', async (t) => {
  const { admin, makeClient } = await openApiTest(t)
  const { id } = await makeClient('Acme')
  const malformed: [string, string, object | undefined, RegExp][] = [
    [
      'POST',
      '/invoices/run',
      { week: '2025-W54' },
      /^week: must be an ISO week such as 2025-W40; 2025 has the weeks 01 to 52/,
    ],
    ['POST', '/invoices/run', {}, /^week: /],
    ['POST', '/invoices/run', { week: '2199-W01', allow_open: true }, /has not begun/],
    ['GET', '/invoices?state=open', undefined, /^state: /],
    ['POST', '/invoices/2025-W40-001/pay', { date: '2025-02-30', reference: 'x' }, /^date: must be a date/],
    [
      'PUT',
      `/clients/${id}/payment-details`,
      { iban: 'DE88370400440532013000' },
      /^iban: is not a valid IBAN/,
    ],
    [
      'PUT',
      `/clients/${id}/payment-details`,
      { method: 'direct_debit' },
      /^iban: is needed for direct debit/,
    ],
    ['PUT', `/clients/${id}/payment-details`, { method: 'gold' }, /^method: /],
  ]
  for (const [method, path, body, says] of malformed) {
    const answer = await admin(method, path, body)
    assert.deepEqual([path, answer.status, answer.error?.code], [path, 400, 'malformed_request'])
    assert.match(answer.error?.message ?? '', says)
  }
  assert.equal((await admin('POST', '/invoices/run', { week: '2199-W01' })).status, 400)
  assert.equal((await admin('GET', '/invoices/2025-W40-001')).status, 404)
  assert.equal((await admin('GET', '/clients/999/payment-details')).status, 404)
})
