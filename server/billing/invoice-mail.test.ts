// Invoices as they reach a client: by a real mail server with the PDF, by the Monday job, as documents that can be trusted.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { startMailServer } from '../../test/support/mail-server.ts'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { createMailOutbox } from '../notify/mail.ts'
import { silentLogger } from '../store/test-support.ts'
import { runDueWeeks } from './invoice-job.ts'
import { createInvoiceRun } from './invoice-run.ts'
import { openBilling, seedEvents } from './test-support.ts'

const request = { week: '2025-W40', dry_run: false, allow_open: false }

describe('invoices on their way', await needs('postgres'), () => {
  test('each invoice is mailed with its PDF, tried again after a 451, and then sent; without an address it stays issued', async (t) => {
    const server = await startMailServer({ refusals: [{ at: 'data', code: 451 }] })
    t.after(server.close)
    const billing = await openBilling(t, {
      openOutbox: ({ jobs }) =>
        createMailOutbox({
          config: { smtpUrl: new Secret(server.url), mailFrom: 'billing@example.com' },
          ...{ jobs, clock: systemClock, logger: silentLogger },
        }),
    })
    const { makeClient, write, run, record, store, list } = billing
    await store.startWork()
    const [acme, nobody] = [await makeClient('Acme <script>'), await makeClient('Nobody', null)]
    await write(...seedEvents(acme, nobody))
    await run(request, record)
    const states = async () => (await list({ page: 1, page_size: 9 })).items.map(({ state }) => state)
    await eventually('the mail taken', async () => (await states()).includes('sent'), 60_000)
    assert.deepEqual(await states(), ['issued', 'sent'])
    assert.deepEqual([server.attempts(), server.received.length], [2, 1])
    const [arrived] = server.received
    assert.deepEqual(arrived?.to, ['acmescript@example.com'])
    assert.match(arrived?.mail.subject ?? '', /^Invoice 2025-W40-001 from Sallyport$/)
    assert.match(arrived?.mail.text ?? '', /€2\.43/)
    assert.ok(!arrived?.mail.html?.includes('<script'))
    const [attachment] = arrived?.mail.attachments ?? []
    assert.deepEqual([attachment?.filename, attachment?.mimeType], ['2025-W40-001.pdf', 'application/pdf'])
    const pdf = (await billing.open(acme, '2025-W40-001.pdf'))?.file?.body
    assert.deepEqual(Buffer.from(attachment?.content as ArrayBuffer), pdf)
    await assert.rejects(billing.send('2025-W40-002', record), { code: 'conflict' })
    await billing.send('2025-W40-001', record)
    await eventually('the second mail', () => server.received.length === 2)
  })

  test('without a mail server sending is refused', async (t) => {
    const { makeClient, write, run, record, send } = await openBilling(t)
    await write(...seedEvents(await makeClient('Acme'), await makeClient('Globex')))
    await run(request, record)
    await assert.rejects(send('2025-W40-001', record), { code: 'mail_not_configured' })
    assert.equal(await send('2025-W40-009', record), null)
  })

  test('the Monday job runs what is due, once, and catches up after a standstill', async (t) => {
    const room = await openBilling(t, { nowMs: Date.parse('2025-10-06T05:59:00Z') })
    const { makeClient, write, database, clock, list } = room
    const clientId = await makeClient('Acme')
    const isMailConfigured = () => false
    const job = () =>
      runDueWeeks({
        ...{
          jobs: { schedule: async () => undefined },
          database,
          clock,
          logger: silentLogger,
          timeZone: 'UTC',
        },
        run: createInvoiceRun({
          ...{ ...room.parts, billing: room.config, database, clock, isMailConfigured },
          enqueueMailing: async () => undefined,
        }),
      })
    const numbers = async () => (await list({ page: 1, page_size: 9 })).items.map(({ number }) => number)
    const call = (at: string) => ({ clientId, at, endpoint: '/api/alert', costMicros: 100_000 })
    await write(call('2025-10-05T23:59:59Z'), call('2025-10-06T00:00:00Z'))
    await job()
    assert.deepEqual(await numbers(), [])
    clock.advance(60_000)
    await Promise.all([job(), job(), job()])
    assert.deepEqual(await numbers(), ['2025-W40-001'])
    await write(call('2025-10-14T00:00:00Z'), call('2025-10-22T00:00:00Z'))
    clock.advance(21 * 86_400_000)
    await job()
    assert.deepEqual(await numbers(), ['2025-W43-001', '2025-W42-001', '2025-W41-001', '2025-W40-001'])
    await job()
    assert.equal((await numbers()).length, 4)
  })

  test('documents are the same each time, escape what others named, and know every language', async (t) => {
    for (const language of ['en', 'fr', 'zh'] as const) {
      const billing = await openBilling(t, { billing: { language } })
      const clientId = await billing.makeClient('<img src=x onerror=alert(1)> 株式会社 "Zoë" & Иван')
      await billing.writePaymentDetails(
        clientId,
        {
          ...{ method: 'direct_debit', frequency: 'monthly', iban: 'DE89370400440532013000', tax_id: null },
          ...{ account_holder: null, mandate_reference: 'M-1', billing_address: ['<b>1</b>'] },
        },
        billing.record,
      )
      await billing.write({ clientId, at: '2025-10-01', endpoint: '/api/alert', costMicros: 100_000 })
      const [invoice] = await billing.run(request, billing.record)
      assert.equal(invoice?.due_on, '2025-11-14')
      const page = await billing.open(clientId, '2025-W40-001.html')
      const html = String(page?.file?.body)
      assert.ok(html.includes('&lt;img src=x onerror=alert(1)&gt; 株式会社 &quot;Zoë&quot; &amp; Иван'))
      assert.ok(!/<(img|b|script)\b/.test(html))
      assert.ok(!html.includes('DE89370400440532013000') && html.includes('DE…3000'))
      assert.match(page?.file?.headers['content-security-policy'] ?? '', /default-src 'none'/)
      const pdfs = [
        await billing.open(null, '2025-W40-001.pdf'),
        await billing.open(null, '2025-W40-001.pdf'),
      ]
      const [first, second] = pdfs.map((opened) => opened?.file?.body as Buffer)
      assert.ok(first?.equals(second as Buffer))
      assert.equal(first?.subarray(0, 5).toString(), '%PDF-')
    }
  })
})
