// The Isolation seed's week over HTTP: frames, analyses and alerts of two clients become its two invoices, to the cent.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { startMailServer } from '../../test/support/mail-server.ts'
import { needs } from '../../test/support/needs.ts'
import { geminiReply, makeJpeg, makeVerdict, openModel } from '../video/test-support.ts'
import { openApiTest, type TestClient, withoutRequestId } from './test-support.ts'

const sunday = Date.parse('2025-10-05T23:59:00Z')
const week = '2025-W40'
const finding = { analysis: 'A man breaks the lock.', risk_level: 'HIGH', incident_type: 'burglary' }
const frame = { frame_data: makeJpeg().toString('base64') }
const seeds = [
  { name: 'Acme', frames: 138, analyses: 17, alerts: 2, calls: 157, total_micros: 2_430_000 },
  { name: 'Globex', frames: 82, analyses: 4, alerts: 3, calls: 89, total_micros: 1_320_000 },
]

describe('the seed’s invoices', await needs('postgres'), () => {
  test('what two clients do in a week is what their invoices say', async (t) => {
    const mailServer = await startMailServer()
    t.after(mailServer.close)
    // The first look is vetoed by the strong model: which one answered last makes no line of its own.
    const model = await openModel(t, [geminiReply(makeVerdict(true)), geminiReply(makeVerdict(false))])
    const env = {
      ...{ SMTP_URL: mailServer.url, MAIL_FROM: 'gateway@example.com', FFMPEG_PATH: '/nonexistent' },
      ...{ GEMINI_API_KEY: 'operator-gemini-0123456789', GEMINI_BASE_URL: model.url },
    }
    const gateway = await openApiTest(t, env, { nowMs: sunday, sendsMail: true })
    const run = (request: object) => gateway.admin('POST', '/invoices/run', request)
    const clients: TestClient[] = []
    for (const { name } of seeds) clients.push(await gateway.makeClient(name))
    await gateway.makeClient('Unused')

    for (const [index, seed] of seeds.entries()) {
      const token = clients[index]?.apiKey ?? ''
      const repeat = async (times: number, path: string, body: object, status = 200) => {
        for (let turn = 0; turn < times; turn++) {
          const answer = await gateway.call('POST', path, { token, body })
          assert.equal(answer.status, status, answer.text)
        }
      }
      await repeat(seed.frames, '/api/video/buffer', frame)
      await repeat(seed.analyses, '/api/video/analyze', {})
      // All of one camera and one minute: one mail, each call at its price.
      await repeat(seed.alerts, '/api/alert', finding, 202)
      await eventually('all events in the ledger', async () => {
        const { json } = await gateway.call('GET', '/api/usage', { token })
        return (json.totals as { calls: number }).calls === seed.calls
      })
    }
    await eventually('one mail each', () => mailServer.received.length === 2)
    assert.equal(model.seen.length, 22)

    assert.equal((await run({ week })).error?.code, 'week_open')
    gateway.clock.advance(120_000)
    const issued = await run({ week })
    const invoices = issued.json.invoices as Record<string, unknown>[]
    assert.deepEqual(
      invoices.map(({ number, client_id, calls, total_micros }) => [number, client_id, calls, total_micros]),
      seeds.map(({ calls, total_micros }, index) => [
        `2025-W40-00${index + 1}`,
        clients[index]?.id,
        calls,
        total_micros,
      ]),
    )
    const [first, second] = clients.map(({ apiKey: token }) => token)
    const read = (token = '', number: string) => gateway.call('GET', `/api/invoices/${number}`, { token })
    const line = (endpoint: string, quantity: number, price: number) => ({
      ...{ endpoint, provider: null, model: null, quantity },
      ...{ unit_price_micros: price, total_micros: quantity * price },
    })
    const own = await read(first, '2025-W40-001')
    assert.deepEqual(own.json.lines, [
      line('/api/alert', 2, 100_000),
      line('/api/video/analyze', 17, 50_000),
      line('/api/video/buffer', 138, 10_000),
    ])
    assert.match((await read(first, '2025-W40-001.html')).text, /€2\.43/)
    assert.match((await read(second, '2025-W40-002.html')).text, /€1\.32/)
    const foreign = await read(second, '2025-W40-001')
    assert.equal(withoutRequestId(foreign), withoutRequestId(await read(second, '2025-W40-009')))
  })
})
