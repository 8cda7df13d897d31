import type { Proof } from './report.ts'
export const provesExhaustion: Proof = { name: 'exhaustion', run: async () => undefined }
