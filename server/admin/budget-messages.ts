// Who hears of a budget that is nearly spent: the operator's webhook, and the client by mail.
import type { Identity } from '../identity/identity.ts'
import type { Notify } from '../notify/notify.ts'
import { type BudgetWarning, describeBudgetWarning, type SendBudgetWarning } from '../usage/usage.ts'

const kind = 'budget-warning'

/** The client as it is when a message is written; one that was deleted meanwhile gets no mail. */
export async function createBudgetMessages(dependencies: {
  notify: Pick<Notify, 'enqueueWebhook' | 'enqueueMail' | 'registerMail'>
  clients: Pick<Identity['clients'], 'get'>
}): Promise<SendBudgetWarning> {
  const { notify, clients } = dependencies
  await notify.registerMail<BudgetWarning>(kind, async (warning) => {
    const client = await clients.get(warning.clientId)
    return client?.email ? { to: client.email, ...describeBudgetWarning(warning, client.name) } : null
  })

  return async (tx, warning) => {
    const { clientId, period, startsAt, spentMicros, budgetMicros, timestamp } = warning
    const client = await clients.get(clientId)
    const key = `budget ${clientId} ${period} ${startsAt}`
    const body = {
      event: 'budget_warning',
      ...{ client_id: clientId, external_id: client?.external_id ?? null, period },
      ...{ spent_micros: spentMicros, budget_micros: budgetMicros, timestamp },
    }
    await notify.enqueueWebhook(tx, body, key)
    if (client?.email) await notify.enqueueMail(tx, kind, warning, key)
  }
}
