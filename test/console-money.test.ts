// What is used, what it may cost and what is billed for it, in the console: a real browser, gateway, database and mail server.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { formatIsoWeek, type InvoiceItem, type PaymentDetails, type UsageAnswer } from '@sallyport/contract'
import type { Browser, Page } from 'playwright-core'
import { weekAt } from '../server/billing/week.ts'
import { call } from './support/call.ts'
import { dialog, openBrowser, openFromMenu, openPage, press, submit, unexpected } from './support/console.ts'
import { eventually } from './support/eventually.ts'
import { type Gateway, jsonCall, openFolder, startGateway } from './support/gateway.ts'
import { type MailServer, type ReceivedMail, startMailServer } from './support/mail-server.ts'
import { needs } from './support/needs.ts'
import { startProviderApis } from './support/provider-apis.ts'
import { openScope } from './support/scope.ts'
import { anyStorage, testSecrets } from './support/storage.ts'

const configuration = `
prices: { calls: { exa: "1.25" } }
billing: { tax_percent: "20", seller: { name: Nordwind Gateway GmbH } }
`

/** The outbox looks every few seconds, on a loaded machine later. */
const mailMs = 60_000

describe('money in the console', await needs('chromium'), () => {
  const scope = openScope({ after })
  let browser: Browser
  let gateway: Gateway
  let mail: MailServer
  /** API keys by the name of the client. */
  const keys: Record<string, string> = {}

  before(async () => {
    const apis = await startProviderApis(scope)
    mail = await startMailServer()
    scope.defer(mail.close)
    const folder = await openFolder(scope)
    await writeFile(join(folder, 'sallyport.yaml'), configuration)
    const mailing = { SMTP_URL: mail.url, MAIL_FROM: 'billing@nordwind.example.com' }
    const keys = { EXA_API_KEY: 'exa-shared-key-0123456789' }
    const env = { ...(await anyStorage.open(scope)), ...apis.environment, ...mailing, ...keys }
    gateway = await startGateway(scope, { folder, env })
    browser = await openBrowser(scope)
    for (const name of ['Acme', 'Globex']) await makeClient(name)
    for (const name of ['Acme', 'Acme', 'Acme', 'Globex']) assert.equal(await search(name), 200)
    await untilLedgerHas(4)
  })

  async function makeClient(name: string): Promise<void> {
    const client = { name, email: `${name.toLowerCase()}@example.com` }
    const { api_key } = (await gateway.admin('POST', '/clients', client)).json() as { api_key: string }
    keys[name] = api_key
  }

  /** A call that costs 1.25 EUR; its status. */
  async function search(name: string): Promise<number> {
    const asked = jsonCall('POST', { query: 'ports' }, { 'x-api-key': keys[name] ?? '' })
    return (await call(`${gateway.url}/proxy/exa/search`, asked)).status
  }

  const untilLedgerHas = (calls: number) =>
    eventually(`${calls} calls in the ledger`, async () => {
      const { totals } = (await gateway.admin('GET', '/usage')).json() as UsageAnswer
      return totals.calls === calls
    })

  /** Signed in without the form, which other tests fill. */
  async function open(wishes: object = {}) {
    const opened = await openPage(scope, browser, wishes)
    const { request } = opened.page
    const session = { data: { password: testSecrets.ADMIN_PASSWORD }, headers: { origin: gateway.url } }
    assert.equal((await request.post(`${gateway.url}/admin/api/session`, session)).status(), 200)
    await opened.page.goto(`${gateway.url}/admin/ui/`)
    return opened
  }

  async function listInvoices(): Promise<InvoiceItem[]> {
    return ((await gateway.admin('GET', '/invoices')).json() as { items: InvoiceItem[] }).items
  }

  test('what was used is told by day, by endpoint and call by call, of all clients or of one', async () => {
    const { page, complaints } = await open()
    await page.getByRole('region', { name: 'Spend, last 30 days' }).getByText('€5.00').first().waitFor()

    await openFromMenu(page, 'usage')
    const sums = page.getByRole('region', { name: 'Last 30 days' })
    await sums.getByText('€5.00').first().waitFor()
    await sums.getByText('4 calls').waitFor()
    const events = page.getByRole('region', { name: 'Metered calls' })
    await events.getByRole('link', { name: 'Globex' }).waitFor()
    await page.getByRole('button', { name: '/proxy/exa/search' }).click()
    await page.waitForURL('**/usage?endpoint=/proxy/exa/search')

    await events.getByRole('link', { name: 'Acme' }).first().click()
    await page.getByRole('link', { name: 'Usage of this client' }).click()
    await sums.getByText('€3.75').first().waitFor()
    await events.getByText('3 entries').waitFor()
    await events.getByText('Globex').first().waitFor({ state: 'detached' })
    const exported = await page.getByRole('link', { name: 'Export CSV' }).getAttribute('href')
    const file = await (await page.request.get(gateway.url + exported)).text()
    assert.equal(file.match(/,\/proxy\/exa\/search,exa,/g)?.length, 3)

    await page.getByLabel('Model').fill('no such model')
    await page.keyboard.press('Enter')
    await page.getByText('No call matches').waitFor()
    await openFromMenu(page, 'prices')
    await page.getByRole('row').filter({ hasText: 'exa' }).getByText('€1.25').waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a budget is set, holds, shows what is left of it, and is taken away', async () => {
    const { page, complaints } = await open()
    await openClient(page, 'Acme')
    await press(page, 'Edit budgets')
    await dialog(page).getByLabel('A month').fill('five')
    await submit(page, 'Save')
    await dialog(page).getByText('Enter an amount such as 5.00').waitFor()
    await dialog(page).getByLabel('A month').fill('5,00')
    await submit(page, 'Save')
    const budgets = page.getByRole('region', { name: 'Budgets' })
    await budgets.getByText('€3.75').last().waitFor()
    await budgets.getByText('spent of €5.00').waitFor()
    await budgets.getByText('€1.25 left').waitFor()

    assert.deepEqual([await search('Acme'), await search('Acme')], [200, 402])
    await untilLedgerHas(5)
    await page.reload()
    await budgets.getByText('€0.00 left').waitFor()
    await press(page, 'Remove budgets')
    await submit(page, 'Remove budgets')
    await budgets.getByText('spent, no budget').last().waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a price of its own is kept; an IBAN with a typing error is told before it is sent, the right one is kept', async () => {
    const { page, complaints } = await open()
    await openClient(page, 'Acme')
    await press(page, 'Edit prices')
    await dialog(page).getByLabel('/api/alert').fill('0,02')
    await submit(page, 'Save')
    await page.getByRole('row').filter({ hasText: '/api/alert' }).getByText('€0.02').waitFor()
    await press(page, 'Edit payment details')
    await dialog(page).getByLabel('IBAN').fill('de89 3704 0044 0532 0130 01')
    await dialog(page).getByLabel('Billing address').fill('1 Harbour Street\n\nLondon')
    await submit(page, 'Save')
    await dialog(page).getByText('This is not a valid IBAN').waitFor()
    await dialog(page).getByLabel('IBAN').fill('de89 3704 0044 0532 0130 00')
    await submit(page, 'Save')
    await page
      .getByRole('region', { name: 'Payment details' })
      .getByText('DE89 3704 0044 0532 0130 00')
      .waitFor()
    const kept = (await gateway.admin('GET', '/clients/1/payment-details')).json() as PaymentDetails
    assert.deepEqual(
      [kept.iban, kept.billing_address],
      ['DE89370400440532013000', ['1 Harbour Street', 'London']],
    )
    assert.deepEqual(unexpected(complaints), [])
  })

  test('a week is seen before it is invoiced; an invoice is mailed, mailed again, paid, and taken back', async () => {
    const { page, complaints } = await open()
    const week = formatIsoWeek(weekAt(Date.now(), 'UTC'))
    await openFromMenu(page, 'invoices')
    await page.getByText('No invoices yet').waitFor()
    await press(page, 'Run a week')
    await submit(page, 'Show what would be issued')
    await dialog(page).getByText('Nothing is to be invoiced in this week.').waitFor()
    await dialog(page).getByLabel('Week', { exact: true }).fill(week)
    await submit(page, 'Show what would be issued')
    await dialog(page).getByText('This week is not over yet.').first().waitFor()
    await dialog(page).getByText('also a week that is not over').click()
    await submit(page, 'Show what would be issued')
    await dialog(page).getByText('The week would then have 2 invoices, €7.50 due in all:').waitFor()
    assert.deepEqual(await listInvoices(), [])
    await submit(page, 'Issue')

    const rowOf = (name: string) => page.getByRole('row').filter({ hasText: name })
    await rowOf('Globex').getByText('€1.50').waitFor()
    await openInvoice(page, `${week}-002`)
    await press(page, 'Take back')
    await submit(page, 'Cancel')
    await press(page, 'Take back')
    await submit(page, 'Issue the credit note')
    await page.getByText('void', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Mark as paid' }).waitFor({ state: 'detached' })
    await openInvoice(page, `${week}-003`)
    await page.getByText('-€1.50').first().waitFor()

    await page.getByRole('link', { name: 'All invoices' }).click()
    await openInvoice(page, `${week}-001`)
    await rowOf('exa').getByText('€5.00').first().waitFor()
    await page.getByRole('button', { name: 'Mail it again' }).waitFor({ timeout: mailMs })
    await press(page, 'Mail it again')
    await submit(page, 'Mail it')
    await press(page, 'Mark as paid')
    await submit(page, 'Mark as paid')
    await dialog(page).getByRole('alert').first().waitFor()
    await dialog(page).getByLabel('Reference').fill('statement 12')
    await submit(page, 'Mark as paid')
    await page.getByText('statement 12', { exact: true }).waitFor()
    const pdf = await page.getByRole('link', { name: 'PDF' }).getAttribute('href')
    assert.match(await (await page.request.get(gateway.url + pdf)).text(), /^%PDF/)
    const states = (await listInvoices()).map(({ kind, state }) => `${kind} ${state}`)
    assert.deepEqual(states.slice(-2).sort(), ['invoice paid', 'invoice void'])
    await openFromMenu(page, 'audit')
    await page.getByText('Invoice taken back').first().waitFor()
    const isInvoice = ({ to, mail: { attachments } }: ReceivedMail) =>
      to[0] === 'acme@example.com' && attachments[0]?.filename === `${week}-001.pdf`
    await eventually('the invoice twice', () => mail.received.filter(isInvoice).length === 2, mailMs)
    // The refused ones were asked for.
    const refusals = /status of (400|409)/
    assert.deepEqual(
      unexpected(complaints).filter((text) => !refusals.test(text)),
      [],
    )
  })

  test('the pages fit a phone, in the dark and in other languages', async () => {
    const phone = { viewport: { width: 390, height: 844 }, colorScheme: 'dark', locale: 'zh-CN' }
    const { page, complaints } = await open(phone)
    for (const path of ['', 'usage', 'invoices', 'prices', 'clients/1']) {
      await page.goto(`${gateway.url}/admin/ui/${path}`, { waitUntil: 'networkidle' })
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      assert.ok(width <= 390, `${path} is ${width} wide`)
    }
    await page.getByRole('heading', { name: '付款信息' }).waitFor()
    const french = await open({ locale: 'fr-FR' })
    await french.page.getByText('6,25 €').first().waitFor()
    assert.deepEqual(unexpected([...complaints, ...french.complaints]), [])
  })

  test('with a client goes what it used: on a last invoice, or dropped', async () => {
    for (const name of ['Acme', 'Globex']) assert.equal(await search(name), 200)
    await untilLedgerHas(7)
    const { page, complaints } = await open()
    for (const [name, choice] of [
      ['Acme', 'Invoice it'],
      ['Globex', 'Drop it'],
    ] as const) {
      await openClient(page, name)
      await press(page, 'Delete')
      await dialog(page).getByText(choice).click()
      await dialog(page).getByLabel(`Type ${name.toLowerCase()} to confirm`).fill(name.toLowerCase())
      await submit(page, 'Delete')
      await page.getByRole('heading', { level: 1, name: 'Clients' }).waitFor()
    }
    const kinds = (await listInvoices()).map(({ client_id, kind }) => `${client_id} ${kind}`)
    assert.deepEqual(kinds, ['1 invoice', '2 credit_note', '2 invoice', '1 invoice'])
    await openFromMenu(page, 'invoices')
    await page.getByText('client 1').first().waitFor()
    assert.deepEqual(unexpected(complaints), [])
  })
})

async function openInvoice(page: Page, number: string): Promise<void> {
  await page.getByRole('link', { name: number, exact: true }).click()
  await page.getByRole('heading', { level: 1, name: number }).waitFor()
}

async function openClient(page: Page, name: string): Promise<void> {
  await openFromMenu(page, 'clients')
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}
