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
