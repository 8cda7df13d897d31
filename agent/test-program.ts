// For tests: a program of this package as its own process, with what it has said so far.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'

export type Program = {
  child: ChildProcess
  output(): string
  until(text: string): Promise<void>
  exit: Promise<number | null>
}

/** Runs `file` of this folder in `folder`, with nothing of this process's environment but the paths. */
export function startProgram(
  file: string,
  { args = [], folder, env }: { args?: readonly string[]; folder: string; env: Record<string, string> },
): Program {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      for (const listener of listeners) listener()
    })
  }
  return {
    child,
    output: () => output,
    until: (text) =>
      new Promise((resolve) => {
        const check = () => {
          if (output.includes(text)) resolve()
        }
        listeners.add(check)
        check()
      }),
    exit: new Promise((resolve) => child.once('close', resolve)),
  }
}
