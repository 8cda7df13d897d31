// GET /admin/api/dashboard.
import { dashboardAnswer } from '@sallyport/contract'
import type { Bindings } from '../bindings/bindings.ts'
import { answers, type WebApi } from '../web/web.ts'

export function addDashboardRoute(
  api: WebApi,
  dependencies: { bindings: Pick<Bindings, 'dashboard'> },
): void {
  const schema = {
    tags: ['dashboard'],
    summary: "Today's traffic, bindings and the last intercepts",
    response: answers(dashboardAnswer),
  }
  api.get('/admin/api/dashboard', { schema }, () => dependencies.bindings.dashboard())
}
