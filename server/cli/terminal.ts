// What a command may touch: its environment, its working folder and the streams of the terminal that it runs in.
import type { Readable, Writable } from 'node:stream'

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly workingDir: string
  readonly stdin: Readable & { readonly isTTY?: boolean | undefined }
  readonly stdout: Writable
  readonly stderr: Writable
  /** Milliseconds since 1970. */
  now(): number
  /** Set by a command that ends without an error to print, as `start` and `doctor` do. */
  exitCode: number
}

export function printLine(terminal: Terminal, text: string): void {
  terminal.stdout.write(`${text}\n`)
}

/** One line for people on standard error. */
export function warn(terminal: Pick<Terminal, 'stderr'>, text: string): void {
  terminal.stderr.write(`sallyport: ${printable(text)}\n`)
}

/**
 * Text of others (a path that a client called, a message of a server) made safe to show: control characters could
 * move the cursor or recolour the terminal of the person who reads them.
 */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
