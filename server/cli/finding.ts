// What `sallyport doctor` finds: one line each, with the remedy where something is wrong.

export type Finding = {
  level: 'ok' | 'warning' | 'failure'
  text: string
  remedy?: string
}

const signs = { ok: '✓', warning: '!', failure: '✗' } as const

export function ok(text: string): Finding {
  return { level: 'ok', text }
}

export function warning(text: string, remedy: string): Finding {
  return { level: 'warning', text, remedy }
}

export function failure(text: string, remedy: string): Finding {
  return { level: 'failure', text, remedy }
}

/** `✗ what is wrong`, and below it the remedy. */
export function formatFinding({ level, text, remedy }: Finding): string {
  return remedy === undefined ? `${signs[level]} ${text}` : `${signs[level]} ${text}\n    ${remedy}`
}

/** fetch and the drivers keep the telling part of an error in its cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.cause instanceof Error) return messageOf(error.cause)
  return error.message !== '' ? error.message : 'code' in error ? String(error.code) : error.name
}
