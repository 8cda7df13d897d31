// Schema problems in words: which field, what is wrong with it, what to send instead.
import { AppError } from '@sallyport/contract'
import type { z } from 'zod'

const detailsMax = 20

/** AppError `malformed_request`: the first problem as message, all of them as details. `part` names the place: body or query. */
export function malformedRequest(issues: readonly z.core.$ZodIssue[], part: string): AppError {
  const lines = issues.slice(0, detailsMax).map((issue) => {
    const field = issue.path.map(String).join('.')
    return `${field || part}: ${issue.message}.`
  })
  return new AppError('malformed_request', {
    ...(lines[0] === undefined ? {} : { message: lines[0] }),
    details: lines,
  })
}

/** Text of a problem for which the schema itself has none. */
export function describeProblem(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `${issue.input === undefined ? 'is missing: it ' : ''}must be ${kindName(issue.expected)}`
    case 'unrecognized_keys':
      return `unknown field ${issue.keys.map((key) => `"${key.slice(0, 64)}"`).join(', ')}; remove it`
    case 'invalid_value':
      return `must be one of: ${issue.values.map(String).join(', ')}`
    case 'too_small':
      return `must ${sizeName(issue.origin, issue.minimum)} or more`
    case 'too_big':
      return `must ${sizeName(issue.origin, issue.maximum)} at most`
    default:
      return 'is not in the form that this field takes; /docs describes it'
  }
}

function kindName(expected: string): string {
  const names: Record<string, string> = {
    string: 'a text, given once',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a JSON object',
  }
  return names[expected] ?? `of type ${expected}`
}

function sizeName(origin: string, size: number | bigint): string {
  if (origin === 'number' || origin === 'int') return `be ${size}`
  return `have ${size} ${origin === 'array' ? 'entries' : 'characters'}`
}
