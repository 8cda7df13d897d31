// The fields of two states side by side, changed ones told apart.

/** `before` and `after` are the values as text, empty where the state has no such field. */
export type FieldDiff = { name: string; before: string; after: string; isChanged: boolean }

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A state that is not an object is one field without a name. */
function fieldsOf(state: unknown): Record<string, unknown> {
  if (isRecord(state)) return state
  return state === null || state === undefined ? {} : { '': state }
}

function textOf(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') return value
  const isPlainList = Array.isArray(value) && value.every((each) => typeof each !== 'object')
  return isPlainList ? value.join(', ') : JSON.stringify(value)
}

/** Changed fields first, each group in the order in which the states name them. */
export function diffOf(before: unknown, after: unknown): FieldDiff[] {
  const old = fieldsOf(before)
  const fresh = fieldsOf(after)
  const names = new Set([...Object.keys(old), ...Object.keys(fresh)])
  const fields = [...names].map((name) => {
    const texts = { before: textOf(old[name]), after: textOf(fresh[name]) }
    return { name, ...texts, isChanged: texts.before !== texts.after }
  })
  return [...fields.filter((field) => field.isChanged), ...fields.filter((field) => !field.isChanged)]
}
