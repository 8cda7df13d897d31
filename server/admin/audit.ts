// /admin/api/audit: what admins changed, and whether the record of it still holds.
import { auditItem, auditQuery, auditVerifyAnswer, pageOf } from '@sallyport/contract'
import { answers, type WebApi } from '../web/web.ts'
import type { AuditLog } from './audit-log.ts'

export function addAuditRoutes(
  api: WebApi,
  dependencies: { audit: Pick<AuditLog, 'list' | 'verify'> },
): void {
  const { audit } = dependencies
  const listSchema = {
    tags: ['audit'],
    summary: 'List changes, newest first',
    querystring: auditQuery,
    response: answers(pageOf(auditItem)),
  }
  api.get('/admin/api/audit', { schema: listSchema }, (request) => audit.list(request.query))
  const verifySchema = {
    tags: ['audit'],
    summary: 'Check the whole chain; first_bad_id is where it stops holding',
    response: answers(auditVerifyAnswer),
  }
  api.get('/admin/api/audit/verify', { schema: verifySchema }, () => audit.verify())
}
