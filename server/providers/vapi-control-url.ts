// What an answer of VAPI says about a call, and whether the control URL in it may be called at all.

/** Longest value of an answer that is kept. */
const idCharactersMax = 200
const urlCharactersMax = 2048

export function readCallId(answer: unknown): string | null {
  return readText(answer, 'id', idCharactersMax)
}

export function readControlUrl(answer: unknown): string | null {
  return isRecord(answer) ? readText(answer.monitor, 'controlUrl', urlCharactersMax) : null
}

/** A control URL comes from outside: it must be VAPI's own host over TLS, or the very origin that the operator set. */
export function createControlUrlCheck(baseUrl: string): (text: string) => boolean {
  const { origin } = new URL(baseUrl)
  return (text) => {
    const url = URL.parse(text)
    if (url === null) return false
    if (url.username !== '' || url.password !== '') return false
    if (url.origin === origin) return true
    return url.protocol === 'https:' && /(^|\.)vapi\.ai$/.test(url.hostname)
  }
}

function readText(value: unknown, name: string, charactersMax: number): string | null {
  const text = isRecord(value) ? value[name] : undefined
  return typeof text === 'string' && text !== '' && text.length <= charactersMax ? text : null
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
