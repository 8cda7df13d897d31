// The price table: its route of the admin API as a typed function.
import type { PricesAnswer } from '@sallyport/contract'
import { request } from './request.ts'

export const readPrices = (signal?: AbortSignal) => request<PricesAnswer>('/prices', { signal })
