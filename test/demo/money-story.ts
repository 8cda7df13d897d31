// The story of money: every call has its price, a budget stops the one too many, and the week becomes an invoice.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatIsoWeek, type InvoiceItem, type UsageAnswer } from '@sallyport/contract'
import { Exa, ExaError } from 'exa-js'
import OpenAI from 'openai'
import { weekAt } from '../../server/billing/week.ts'
import { eventually } from '../support/eventually.ts'
import { type Gateway, openFolder, startGateway } from '../support/gateway.ts'
import { startProviderApis } from '../support/provider-apis.ts'
import type { Scope } from '../support/scope.ts'
import { expect, failureOf, say, title } from './narrator.ts'
import { makeClient, type Operator, operatorAt } from './operator.ts'
import { outputPath } from './output.ts'

const settings = `
prices:
  calls: { exa: "0.02" }
billing:
  time_zone: UTC
  seller:
    name: Nordwind Gateway GmbH
    address: [Hafenstraße 12, 20457 Hamburg, Germany]
    email: billing@nordwind.example
  bank: { iban: DE89 3704 0044 0532 0130 00, bic: COBADEFFXXX, name: Commerzbank }
`
const operatorKeys = { OPENAI_API_KEY: 'sk-operator-0123456789', EXA_API_KEY: 'exa-operator-0123456789' }
const searchMicros = 20_000
/** One search less than six, and what a small question costs beside them. */
const budget = '0.11'
const searchesPaid = 5

export async function tellOfMoney(scope: Scope): Promise<void> {
  title('One week, one budget, one invoice')
  const apis = await startProviderApis(scope)
  const folder = await openFolder(scope)
  await writeFile(join(folder, 'sallyport.yaml'), settings)
  const gateway = await startGateway(scope, { folder, env: { ...apis.environment, ...operatorKeys } })
  say('The operator sets a price: 0.02 EUR for a search at Exa; models cost by their tokens', gateway.url)
  const operator = operatorAt(scope, gateway)
  const apiKey = await makeClient(operator, {
    ...{ name: 'Globex', email: 'accounts@globex.example', externalId: 'globex' },
  })
  await askModel(gateway, apiKey)
  await operator.ask('clients', 'budget', 'globex', '--month', budget)
  say(`The operator lets it spend ${budget} EUR a month`)
  await searchUntilStopped(gateway, apiKey)
  const usage = await readUsage(gateway, operator)
  say(`${usage.totals.calls} calls are in the ledger`, euros(usage.totals.cost_micros))
  await runMonday(operator, usage)
  expect((await gateway.stop()).code, 0, 'the exit of the gateway')
}

async function askModel(gateway: Gateway, apiKey: string): Promise<void> {
  const client = new OpenAI({ baseURL: `${gateway.url}/proxy/openai/v1`, apiKey, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'What does a call cost?' }]
  const { usage } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages })
  say('It asks a model', `${usage?.prompt_tokens} tokens in, ${usage?.completion_tokens} out`)
}

async function searchUntilStopped(gateway: Gateway, apiKey: string): Promise<void> {
  const exa = new Exa(apiKey, `${gateway.url}/proxy/exa`)
  for (let count = 0; count < searchesPaid; count++) await exa.search('what a gateway is')
  const error = await failureOf(exa.search('what a gateway is'), 'a search beyond the budget')
  if (!(error instanceof ExaError)) throw error
  expect(error.statusCode, 402, 'the status of the refusal')
  say(`It searches; ${searchesPaid} searches pass, and the budget stops the next`, '402 budget_exceeded')
}

async function readUsage(gateway: Gateway, operator: Operator): Promise<UsageAnswer> {
  await eventually('all calls in the ledger', async () => {
    const answer = await gateway.admin('GET', '/usage')
    return (answer.json() as UsageAnswer).total > searchesPaid
  })
  const usage = await operator.ask<UsageAnswer>('usage', '--client', 'globex')
  const searches = usage.items.filter(({ provider }) => provider === 'exa')
  expect(
    searches.map(({ cost_micros }) => cost_micros),
    Array(searchesPaid).fill(searchMicros),
    'the cost of the searches',
  )
  return usage
}

/** The same run as on Monday, without waiting for the end of the week. */
async function runMonday(operator: Operator, usage: UsageAnswer): Promise<void> {
  say('Each Monday at 06:00 the week before is invoiced; the operator of this demo does not wait')
  const week = formatIsoWeek(weekAt(Date.parse(usage.items[0]?.created_at ?? ''), 'UTC'))
  const { invoices } = await operator.ask<{ invoices: InvoiceItem[] }>(
    ...['invoices', 'run', '--week', week, '--allow-open'],
  )
  const [invoice] = invoices
  if (!invoice || invoices.length > 1) throw new Error(`one invoice expected, found ${invoices.length}`)
  expect(invoice.number, `${week}-001`, 'the number of the invoice')
  expect([invoice.calls, invoice.total_micros], Object.values(usage.totals), 'the calls and their total')
  const { path, shown } = outputPath(`${invoice.number}.pdf`)
  await operator.order('invoices', 'show', invoice.number, '--pdf', path)
  expect((await readFile(path)).subarray(0, 5).toString(), '%PDF-', 'the beginning of the file')
  const sum = `${invoice.calls} calls, ${euros(invoice.due_micros)} to pay`
  say(`Invoice ${invoice.number} is a PDF that one would pay from`, `${sum}: ${shown}`)
}

function euros(micros: number): string {
  return `${(micros / 1_000_000).toFixed(micros % 10_000 === 0 ? 2 : 6)} EUR`
}
