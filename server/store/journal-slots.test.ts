// Slots of the journal: what was reserved can always be written, what was written survives kill -9, and the bound holds.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { type Clock, createManualClock, systemClock } from '../lib/clock.ts'
import { createLogger } from '../lib/logger.ts'
import { type OpenJournal, openJournal } from './journal.ts'
import { writeLine } from './journal-segment.ts'
import { becomesTrue } from './postmaster.ts'
import type { DrainSettings, JournalSlot } from './store.ts'
import { silentLogger } from './test-support.ts'

let root: string
let said: string[]
const journals: OpenJournal[] = []
const recordBytesMax = 512
const megabyte = 1024 * 1024

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-slots-'))
  said = []
})
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close()
  rmSync(root, { recursive: true, force: true })
  assert.deepEqual(said, [], 'nothing was lost')
})

function open(options: { bytesMax?: number; clock?: Clock } = {}): OpenJournal {
  const { bytesMax = 64 * megabyte, clock = systemClock } = options
  const logger = createLogger({
    format: 'json',
    level: 'error',
    destination: { write: (line: string) => void (/a record was lost/.test(line) && said.push(line)) },
  })
  const journal = openJournal({ root, bytesMax, clock, logger })
  journals.push(journal)
  return journal
}

async function close(journal: OpenJournal): Promise<void> {
  journals.splice(journals.indexOf(journal), 1)
  await journal.close()
}

function collect(journal: OpenJournal, settings?: DrainSettings): number[] {
  const seen: number[] = []
  const drain = async (texts: readonly string[]) => {
    for (const text of texts) seen.push((JSON.parse(text) as { n: number }).n)
  }
  journal.drainInto('things', drain, settings)
  return seen
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => from + index)

function reserveAll(slots: { reserve(): JournalSlot | null }): JournalSlot[] {
  const reserved: JournalSlot[] = []
  for (let slot = slots.reserve(); slot; slot = slots.reserve()) reserved.push(slot)
  return reserved
}

/** A process that writes until it is killed, telling each number after it was written. */
async function writeUntilKilled(): Promise<number[]> {
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    const { openJournal } = await import(${from('./journal.ts')})
    const { silentLogger } = await import(${from('./test-support.ts')})
    const { systemClock } = await import(${from('../lib/clock.ts')})
    import { writeSync } from 'node:fs'
    const journal = openJournal({ root: ${JSON.stringify(root)}, bytesMax: 64e6, clock: systemClock, logger: silentLogger })
    const slots = await journal.openSlots('things', 2100)
    for (let n = 0; ; n++) {
      slots.reserve().write({ n, filler: 'x'.repeat(n % 2000) })
      writeSync(1, n + '\\n')
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let told = ''
  for await (const chunk of child.stdout) {
    told += String(chunk)
    if (told.length > 20_000) child.kill('SIGKILL')
  }
  return told.split('\n').slice(0, -1).map(Number)
}

test('every record written before kill -9 is drained by the next process, once and in order', async () => {
  const written = await writeUntilKilled()
  assert.ok(written.length > 2000)
  const journal = open()
  const seen = collect(journal)
  await journal.start()
  await journal.flushed()
  assert.deepEqual(seen.slice(0, written.length), written)
  // What was written and could not be told any more.
  assert.deepEqual(seen, numbers(seen.length))
  assert.ok(await becomesTrue(() => readdirSync(root).length === 1, 30_000))
})

test('what was reserved is written although the journal is full, and no more is promised', async () => {
  const journal = open({ bytesMax: 64 * 1024 })
  const slots = await journal.openSlots('things', recordBytesMax)
  const reserved = reserveAll(slots)
  assert.equal(reserved.length, (64 * 1024) / recordBytesMax)
  assert.equal(slots.reserve(), null)
  assert.equal(journal.state().usable, false)
  reserved.forEach((slot, n) => {
    slot.write({ n, filler: 'x'.repeat(440) })
  })
  const seen = collect(journal)
  await journal.start()
  await journal.flushed()
  assert.deepEqual(seen, numbers(reserved.length))
  assert.equal(journal.state().usable, true)
  slots.reserve()?.release()
})

test('twenty thousand calls that stay open hold up nothing that others write', async () => {
  const journal = open()
  const slots = await journal.openSlots('things', recordBytesMax)
  const seen = collect(journal)
  await journal.start()
  const patient = numbers(20_000).map(() => slots.reserve())
  for (const n of numbers(20_000)) slots.reserve()?.write({ n })
  await journal.flushed()
  assert.equal(seen.length, 20_000)
  patient.forEach((slot, index) => {
    slot?.write({ n: 20_000 + index })
  })
  await journal.flushed()
  assert.deepEqual(seen, numbers(40_000))
})

test('a slot is used once: written, or given back', async () => {
  const journal = open()
  const slots = await journal.openSlots('things', recordBytesMax)
  const [first, second] = [slots.reserve(), slots.reserve()]
  first?.write({ n: 1 })
  first?.write({ n: 2 })
  first?.release()
  second?.release()
  second?.write({ n: 3 })
  const seen = collect(journal)
  await journal.start()
  await journal.flushed()
  assert.deepEqual(seen, [1])
})

test('whatever is reserved, written and given back in whatever order, nothing is lost and the bound holds', async () => {
  const steps = fc.array(
    fc.oneof(
      fc.constant({ kind: 'reserve' as const, at: 0, size: 0 }),
      fc.record({
        kind: fc.constantFrom('write' as const, 'release' as const),
        at: fc.nat(),
        size: fc.nat(460),
      }),
    ),
    { maxLength: 400 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const bytesMax = 32 * 1024
      const journal = open({ bytesMax })
      const slots = await journal.openSlots('things', recordBytesMax)
      const held: JournalSlot[] = []
      let written = 0
      for (const { kind, at, size } of history) {
        if (kind === 'reserve') {
          const slot = slots.reserve()
          if (slot) held.push(slot)
          continue
        }
        const [slot] = held.splice(at % Math.max(1, held.length), 1)
        if (kind === 'release') slot?.release()
        else if (slot) slot.write({ n: written++, filler: 'x'.repeat(size) })
        assert.ok(journal.state().bytes <= bytesMax)
      }
      held.forEach((slot) => {
        slot.write({ n: written++ })
      })
      const seen = collect(journal)
      await journal.start()
      await journal.flushed()
      await close(journal)
      assert.deepEqual(seen, numbers(written))
    }),
    { numRuns: 30 },
  )
})

test('a disk that gives no more room refuses the reservation, never the write, and is tried again', async () => {
  const clock = createManualClock()
  const journal = open({ clock })
  const slots = await journal.openSlots('things', megabyte)
  const seen = collect(journal)
  await journal.start()
  const reserved = slots.reserve()
  // New files cannot be made in a folder that is not there under its name.
  const folder = join(root, readdirSync(root)[0] ?? '')
  renameSync(folder, `${folder}.moved`)
  assert.equal(slots.reserve(), null)
  assert.equal(journal.state().usable, false)
  renameSync(`${folder}.moved`, folder)
  reserved?.write({ n: 1 })
  await journal.flushed()
  clock.advance(1_000)
  assert.ok(await becomesTrue(() => journal.state().usable, 30_000))
  slots.reserve()?.write({ n: 2 })
  await journal.flushed()
  assert.deepEqual(seen, [1, 2])
})

test('a torn line and a hole of zeros cost themselves only', async () => {
  const first = open()
  const slots = await first.openSlots('things', recordBytesMax)
  for (const n of numbers(4)) slots.reserve()?.write({ n })
  await close(first)
  const path = join(root, readdirSync(root)[0] ?? '', 'things-00000001.ndjson')
  const bytes = readFileSync(path)
  bytes.fill(0, 10, 14)
  const torn = Buffer.from(writeLine({ n: 4 })).subarray(0, 10)
  writeFileSync(path, Buffer.concat([bytes, torn, Buffer.alloc(5000)]))
  const second = open()
  const seen = collect(second)
  await second.start()
  await second.flushed()
  assert.deepEqual(seen, numbers(3, 1))
})

test('a batch gathers records until its time has come, or until somebody waits for them', async () => {
  const clock = createManualClock()
  const journal = open({ clock })
  const slots = await journal.openSlots('things', recordBytesMax)
  const seen = collect(journal, { gatherMs: 100 })
  await journal.start()
  for (const n of numbers(3)) slots.reserve()?.write({ n })
  await journal.flushed('things')
  assert.deepEqual(seen, numbers(3))
  slots.reserve()?.write({ n: 3 })
  clock.advance(100)
  assert.ok(await becomesTrue(() => seen.length === 4 || void clock.advance(100) === null, 30_000))
})

test('a clean stop leaves nothing behind, a stop with records waiting leaves only those', async () => {
  const first = open()
  const slots = await first.openSlots('things', recordBytesMax)
  slots.reserve()?.write({ n: 1 })
  slots.reserve()
  await close(first)
  const folder = join(root, readdirSync(root)[0] ?? '')
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size)
  assert.ok(Math.max(...sizes) < 1000, `left: ${sizes}`)
  const second = open()
  const seen = collect(second)
  await second.openSlots('things', recordBytesMax)
  await second.start()
  await second.flushed()
  assert.deepEqual(seen, [1])
  assert.ok(await becomesTrue(() => readdirSync(root).length === 1, 30_000))
  await close(second)
  assert.deepEqual(readdirSync(root), [])
})

test('nothing is promised by a journal that is closed', async () => {
  const journal = openJournal({ root, bytesMax: megabyte, clock: systemClock, logger: silentLogger })
  const slots = await journal.openSlots('things', recordBytesMax)
  await journal.close()
  assert.equal(slots.reserve(), null)
})
