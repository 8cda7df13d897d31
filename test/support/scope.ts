// What a test opened is closed at its end, the last thing first.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Scope = {
  defer(close: () => Promise<unknown> | unknown): void
  /** An empty folder that goes with the test; under `parent`, else where temporary files are. */
  folder(parent?: string): Promise<string>
  /** Known at the end, to whoever has something to say about a failure. */
  hasFailed(): boolean
}

/** `owner` is the context of a test, or `{ after }` of node:test inside a suite, which does not know whether it passed. */
export function openScope(owner: { after(close: () => Promise<void>): void; passed?: boolean }): Scope {
  const closers: (() => Promise<unknown> | unknown)[] = []
  owner.after(async () => {
    const failures: unknown[] = []
    for (const close of closers.reverse()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'a test left something behind')
  })
  return {
    hasFailed: () => owner.passed === false,
    defer: (close) => closers.push(close),
    async folder(parent = tmpdir()) {
      const path = await mkdtemp(join(parent, 'sallyport-test-'))
      closers.push(() => rm(path, { recursive: true, force: true }))
      return path
    },
  }
}
