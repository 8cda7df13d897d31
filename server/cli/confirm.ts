// Typed confirmation before something that cannot be taken back, and secrets read from standard input.
import { createInterface } from 'node:readline/promises'
import { CommandFailure, exitCodes } from './failure.ts'
import { printable, type Terminal } from './terminal.ts'

/** Longest secret taken from standard input. */
const inputBytesMax = 16_384

/** Returns when the person typed `expected` (or said `--yes`); throws CommandFailure otherwise. */
export async function confirm(
  terminal: Terminal,
  question: { consequence: string; expected: string; yes: boolean },
): Promise<void> {
  if (question.yes) return
  if (!terminal.stdin.isTTY) {
    throw new CommandFailure(
      `this needs a confirmation and there is no terminal to ask on. Add --yes if you are sure: ${question.consequence}`,
      exitCodes.usage,
    )
  }
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr })
  try {
    const typed = await lines.question(
      `${printable(question.consequence)}\nType ${question.expected} to go on: `,
    )
    if (typed.trim() === question.expected) return
  } finally {
    lines.close()
  }
  throw new CommandFailure('not confirmed, nothing was changed')
}

/** One secret from standard input, without the line end that `echo` adds. */
export async function readSecretFromInput(terminal: Terminal, name: string): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of terminal.stdin) {
    const chunk = Buffer.from(part)
    bytes += chunk.length
    if (bytes > inputBytesMax) {
      throw new CommandFailure(`the ${name} on standard input is too long`, exitCodes.usage)
    }
    parts.push(chunk)
  }
  const text = Buffer.concat(parts)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (text === '') throw new CommandFailure(`no ${name} arrived on standard input`, exitCodes.usage)
  return text
}
