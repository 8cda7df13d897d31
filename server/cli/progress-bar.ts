// A bar for work that takes a while: drawn over itself on a terminal, told in a few lines elsewhere.
import type { Terminal } from './terminal.ts'

const width = 40
const linesElsewhere = 10

export type ProgressBar = {
  show(progress: { done: number; total: number }): void
  /** Leaves the cursor on a line of its own. */
  end(): void
}

/** Goes to standard error, so that it is never part of the command's own output. */
export function createProgressBar(terminal: Pick<Terminal, 'stderr'>, unit: string): ProgressBar {
  const isTerminal = 'isTTY' in terminal.stderr && terminal.stderr.isTTY === true
  const steps = isTerminal ? width : linesElsewhere
  let shownStep = -1

  return {
    show({ done, total }) {
      const step = total === 0 ? steps : Math.floor((done / total) * steps)
      if (step === shownStep && done !== total) return
      shownStep = step
      const bar = '#'.repeat(Math.round((step / steps) * width)).padEnd(width, '.')
      terminal.stderr.write(
        `${isTerminal ? '\r' : ''}[${bar}] ${done} of ${total} ${unit}${isTerminal ? '' : '\n'}`,
      )
    },
    end() {
      if (isTerminal && shownStep >= 0) terminal.stderr.write('\n')
    },
  }
}
