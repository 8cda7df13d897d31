// Reads texts out of a JSON object while it is still arriving: what a model writes under certain names, decoded, piece by piece.

export type TextPiece = { name: string; text: string }

type State = 'outside' | 'name' | 'colon' | 'value' | 'text'

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

/**
 * Feed it the object in pieces of any size; it answers the pieces of the texts under `names` at the top level. What it
 * answers is for showing early: whether the whole is JSON is for JSON.parse to say at the end.
 */
export function createJsonTextStream(names: readonly string[]): (chunk: string) => TextPiece[] {
  let state: State = 'outside'
  let depth = 0
  let name = ''
  let pending = ''
  let isInOtherText = false

  function endText(): void {
    if (state === 'name') state = 'colon'
    else if (state === 'text') state = 'value'
    isInOtherText = false
  }

  /** One character within quotes; answers what it stands for, null for the closing quote. */
  function readCharacter(character: string): string | null {
    if (pending === '') {
      if (character === '\\') pending = '\\'
      else if (character === '"') return null
      else return character
      return ''
    }
    pending += character
    if (pending[1] !== 'u') {
      const text = escapes[character] ?? ''
      pending = ''
      return text
    }
    if (pending.length < 6) return ''
    const code = Number.parseInt(pending.slice(2), 16)
    pending = ''
    return Number.isNaN(code) ? '' : String.fromCharCode(code)
  }

  function readBetween(character: string): void {
    if (character === '"') {
      if (depth === 1 && state === 'outside') [state, name] = ['name', '']
      else if (depth === 1 && state === 'value' && names.includes(name)) state = 'text'
      else isInOtherText = true
    } else if (character === ':' && state === 'colon') state = 'value'
    else if (character === ',' && depth === 1) state = 'outside'
    else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
  }

  return (chunk) => {
    const pieces: TextPiece[] = []
    let text = ''
    const flush = () => {
      if (text !== '') pieces.push({ name, text })
      text = ''
    }
    for (const character of chunk.split('')) {
      if (state !== 'name' && state !== 'text' && !isInOtherText) {
        readBetween(character)
        continue
      }
      const read = readCharacter(character)
      if (read === null) {
        flush()
        endText()
      } else if (isInOtherText) continue
      else if (state === 'name') name = (name + read).slice(0, 200)
      else text += read
    }
    flush()
    return pieces
  }
}
