// What clients may spend and what calls cost: budgets of one client, and the price table as it counts.
import { budgetsAnswer, budgetsRequest, type ClientItem, pricesAnswer, rowParams } from '@sallyport/contract'
import type { Clients } from '../identity/identity.ts'
import type { Budgets, Prices } from '../usage/usage.ts'
import { answers, notFound, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'
import { recorderOf } from './signed-in.ts'

export type BudgetRouteDependencies = {
  clients: Pick<Clients, 'get' | 'update'>
  budgets: Pick<Budgets, 'describe' | 'forget'>
  prices: Pick<Prices, 'describe'>
  audit: Pick<AuditLog, 'recorderFor'>
}

const path = '/admin/api/clients/:id/budgets'
const tags = ['usage']

export function addBudgetRoutes(api: WebApi, dependencies: BudgetRouteDependencies): void {
  const { clients, budgets, prices, audit } = dependencies
  const describe = async (client: ClientItem | null, id: number) => {
    if (client === null) throw notFound(`There is no client with the id ${id}.`)
    return { client_id: id, periods: await budgets.describe(id, client.settings.budgets) }
  }

  const getSchema = {
    tags,
    summary: 'Budgets of a client, with what is spent and reserved in the current day and month',
    params: rowParams,
    response: answers(budgetsAnswer),
  }
  api.get(path, { schema: getSchema }, async ({ params: { id } }) => describe(await clients.get(id), id))

  const putSchema = {
    tags,
    summary: 'Set both budgets of a client; one that is null or left out is taken away',
    params: rowParams,
    body: budgetsRequest,
    response: answers(budgetsAnswer),
  }
  api.put(path, { schema: putSchema }, async ({ params: { id }, body, raw }) => {
    const { day_micros = null, month_micros = null } = body
    const isNone = day_micros === null && month_micros === null
    await budgets.forget(id)
    const settings = { budgets: isNone ? null : { day_micros, month_micros } }
    return describe(await clients.update(id, { settings }, recorderOf(audit, raw)), id)
  })

  const pricesSchema = {
    tags,
    summary: 'The price table as it counts, in EUR',
    response: answers(pricesAnswer),
  }
  api.get('/admin/api/prices', { schema: pricesSchema }, async () => prices.describe())
}
