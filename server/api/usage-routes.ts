// What a client sees of its own usage: the events of its metered calls and what they cost.
import { AppError, ownUsageQuery, usageAnswer } from '@sallyport/contract'
import type { UsageLedger } from '../usage/usage.ts'
import { answers, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'

export type UsageRouteDependencies = { ledger: Pick<UsageLedger, 'list'> }

/** Behind the authentication. */
export function addUsageRoutes(api: WebApi, { ledger }: UsageRouteDependencies): void {
  const schema = {
    ...{ tags: ['client'], security: callerSecurity.client },
    summary: 'Your own metered calls, newest first, with their totals',
    querystring: ownUsageQuery,
    response: answers(usageAnswer),
  }
  api.get('/api/usage', { schema }, async ({ query, raw }) => {
    const { clientId, scopes } = callerOf(raw)
    if (scopes !== null && !scopes.includes('usage')) throw new AppError('scope_missing')
    return await ledger.list({ ...query, client_id: clientId })
  })
}
