// Metered calls and what they cost: the routes of the admin API as typed functions.
import type { UsageAnswer, UsageDaysAnswer } from '@sallyport/contract'
import { type Query, request, urlOf } from './request.ts'

export const listUsage = (query: Query, signal?: AbortSignal) =>
  request<UsageAnswer>('/usage', { query, signal })
export const readUsageDays = (query: Query, signal?: AbortSignal) =>
  request<UsageDaysAnswer>('/usage/days', { query, signal })
/** Address of the CSV file; the browser downloads it as it streams. */
export const usageExportUrl = (query: Query) => urlOf('/usage/export', query)
