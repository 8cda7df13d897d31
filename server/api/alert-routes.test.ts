// /api/alert and the histories: who may raise one, what it costs, what is refused, and that no client sees another's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { openApiTest, withoutRequestId } from './test-support.ts'

const mail = { SMTP_URL: 'smtp://127.0.0.1:9', MAIL_FROM: 'gateway@example.com', FFMPEG_PATH: '/nonexistent' }
const finding = { analysis: 'A man breaks the lock.', risk_level: 'HIGH', incident_type: 'burglary' }

test('an alert is queued, mailed, told by webhook and charged; the next one of the camera is suppressed', async (t) => {
  const gateway = await openApiTest(t, mail)
  const acme = await gateway.makeClient('Acme')
  const raise = (body: object) => gateway.call('POST', '/api/alert', { token: acme.apiKey, body })
  const answer = await raise({ ...finding, camera_id: 'door' })
  const { alert_id: alertId } = answer.json
  assert.deepEqual([answer.status, answer.json], [202, { status: 'queued', alert_id: alertId }])
  await eventually('the mail', () => gateway.mails.length === 1)
  assert.deepEqual(gateway.mails, [{ kind: 'alert', data: { clientId: acme.id, alertId } }])
  const { timestamp, ...told } = gateway.webhooks[0] ?? {}
  assert.ok(Date.parse(String(timestamp)))
  assert.deepEqual(told, {
    ...{ event: 'incident_alert', alert_id: alertId, client_id: acme.id, client_name: 'Acme' },
    ...{ camera_id: 'door', ...finding },
  })
  // The history is ordered by the millisecond.
  gateway.clock.advance(1)
  const again = await raise({ ...finding, camera_id: 'door' })
  assert.deepEqual([again.status, again.json.suppressed], [202, true])
  assert.equal((await raise({ ...finding, incident_type: null })).json.suppressed, undefined)
  assert.deepEqual(
    gateway.metered.map(({ clientId, target, outcome }) => [clientId, target, outcome.status]),
    Array.from({ length: 3 }, () => [acme.id, { kind: 'endpoint', endpoint: '/api/alert' }, 202]),
  )
  const history = await gateway.call('GET', '/api/alerts?camera_id=door', { token: acme.apiKey })
  const [second, first] = history.json.items as Record<string, unknown>[]
  assert.deepEqual([second?.state, second?.recipient], ['suppressed', null])
  assert.deepEqual([first?.alert_id, first?.recipient], [alertId, 'acme@example.com'])
})

test('malformed alerts are refused by name, cost nothing, and raise nothing', async (t) => {
  const gateway = await openApiTest(t, mail)
  const { apiKey: token } = await gateway.makeClient('Acme')
  const cases: [body: object, says: RegExp][] = [
    [{ risk_level: 'HIGH' }, /^analysis: is missing/],
    [{ ...finding, analysis: ' ' }, /^analysis: /],
    [{ ...finding, analysis: 'x'.repeat(10_001) }, /^analysis: /],
    [{ ...finding, risk_level: 'SEVERE' }, /^risk_level: /],
    [{ ...finding, camera_id: '../x' }, /^camera_id: /],
    [{ ...finding, incident_type: 'x'.repeat(201) }, /^incident_type: /],
    [{ ...finding, client_id: 1 }, /unknown field "client_id"/],
  ]
  for (const [body, says] of cases) {
    const answer = await gateway.call('POST', '/api/alert', { token, body })
    assert.equal(answer.status, 400)
    assert.match(answer.error?.message ?? '', says)
  }
  assert.equal((await gateway.call('GET', '/api/alerts?state=lost', { token })).status, 400)
  assert.deepEqual(gateway.metered, [])
  assert.equal((await gateway.call('GET', '/api/alerts', { token })).json.total, 0)
})

test('without a mail server an alert is refused, and is not charged', async (t) => {
  const gateway = await openApiTest(t)
  const { apiKey: token } = await gateway.makeClient('Acme')
  const answer = await gateway.call('POST', '/api/alert', { token, body: finding })
  assert.deepEqual([answer.status, answer.error?.code], [503, 'mail_not_configured'])
  // A failed call costs nothing: the meter looks at its status.
  assert.deepEqual(
    gateway.metered.map(({ outcome }) => outcome.status),
    [503],
  )
})

test('without a key, with a bad one, with one of another scope and with a device token nothing opens', async (t) => {
  const gateway = await openApiTest(t, mail)
  const acme = await gateway.makeClient('Acme')
  const { apiKey: narrow } = await gateway.makeKey(acme.id, { scopes: ['video', 'usage'] })
  const { apiKey: right } = await gateway.makeKey(acme.id, { scopes: ['alert'] })
  const device = await gateway.authenticate(await gateway.makeDevice(acme.id, 'pi_1'))
  const raise = (token: string | null) =>
    gateway.call('POST', '/api/alert', { body: finding, ...(token ? { token } : {}) })
  const list = (token: string) => gateway.call('GET', '/api/alerts', { token })
  assert.deepEqual([(await raise(null)).status, (await raise(null)).error?.code], [401, 'credential_missing'])
  assert.equal((await raise(`${acme.apiKey.slice(0, -1)}!`)).status, 401)
  assert.equal((await raise(device)).status, 401)
  assert.equal((await raise(narrow)).error?.code, 'scope_missing')
  assert.equal((await list(narrow)).error?.code, 'scope_missing')
  assert.equal((await list(right)).json.total, 0, 'nothing was raised')
  assert.equal((await raise(right)).status, 202)
})

test('no client sees or counts another’s alerts, nor is held back by them; the admin sees all', async (t) => {
  const gateway = await openApiTest(t, mail)
  const [acme, other] = [await gateway.makeClient('Acme'), await gateway.makeClient('Other')]
  for (const { apiKey: token } of [acme, other, other]) {
    await gateway.call('POST', '/api/alert', { token, body: { ...finding, camera_id: 'door' } })
  }
  const seen = await gateway.call('GET', '/api/alerts', { token: acme.apiKey })
  assert.equal(seen.json.total, 1)
  assert.ok(!seen.text.includes('other@example.com'))
  const failed = `update alerts set state = 'failed', failure = '550 of mx.operator.example' where client_id = $1`
  await gateway.database.query(failed, [acme.id])
  const after = await gateway.call('GET', '/api/alerts', { token: acme.apiKey })
  assert.ok(!after.text.includes('mx.operator') && after.text.includes('"failed"'))
  assert.ok((await gateway.admin('GET', '/alerts')).text.includes('mx.operator'))
  const stranger = await gateway.makeClient('Stranger')
  const mine = await gateway.call('GET', '/api/alerts?camera_id=door', { token: stranger.apiKey })
  const absent = await gateway.call('GET', '/api/alerts?camera_id=none', { token: stranger.apiKey })
  assert.equal(withoutRequestId(mine), withoutRequestId(absent))
  assert.match(
    (await gateway.call('GET', `/api/alerts?client_id=${other.id}`, { token: acme.apiKey })).text,
    /unknown/,
  )
  assert.equal((await gateway.admin('GET', '/alerts')).json.total, 3)
  const filtered = await gateway.admin('GET', `/alerts?client_id=${other.id}&state=suppressed`)
  assert.equal(filtered.json.total, 1)
  assert.equal((await gateway.call('GET', '/admin/api/alerts', { token: acme.apiKey })).status, 401)
  await gateway.admin('DELETE', `/clients/${other.id}`)
  assert.equal((await gateway.admin('GET', '/alerts')).json.total, 1)
})
