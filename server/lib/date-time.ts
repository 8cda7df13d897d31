// Luxon's DateTime, by way of `require`: the job queue takes it so, and an import would load a second copy of the library.
import { createRequire } from 'node:module'
import type { DateTime as LuxonDateTime } from 'luxon'

const luxon: typeof import('luxon') = createRequire(import.meta.url)('luxon')

export const DateTime = luxon.DateTime
export type DateTime = LuxonDateTime
