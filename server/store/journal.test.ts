// The journal: what was acknowledged survives kill -9, damage costs only the damaged line, and the dead leave their records to the living.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { AppError } from '@sallyport/contract'
import { type Clock, createManualClock, systemClock } from '../lib/clock.ts'
import { type OpenJournal, openJournal } from './journal.ts'
import { listJournals } from './journal-folders.ts'
import { readLines, writeLine } from './journal-segment.ts'
import { becomesTrue } from './postmaster.ts'
import { silentLogger } from './test-support.ts'

let root: string
const journals: OpenJournal[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sp-journal-'))
})
afterEach(async () => {
  for (const journal of journals.splice(0)) await journal.close()
  rmSync(root, { recursive: true, force: true })
})

function open(options: { bytesMax?: number; clock?: Clock } = {}): OpenJournal {
  const { bytesMax = 1e8, clock = systemClock } = options
  const journal = openJournal({ root, bytesMax, clock, logger: silentLogger })
  journals.push(journal)
  return journal
}

async function close(journal: OpenJournal): Promise<void> {
  journals.splice(journals.indexOf(journal), 1)
  await journal.close()
}

const numberOf = (text: string) => (JSON.parse(text) as { n: number }).n

/** Collects the numbers of drained records. */
function collect(journal: OpenJournal): number[] {
  const seen: number[] = []
  journal.drainInto('things', async (texts) => {
    seen.push(...texts.map(numberOf))
  })
  return seen
}

/** A process that appends until it is killed, telling each acknowledged number. */
async function appendUntilKilled(): Promise<number[]> {
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    const { openJournal } = await import(${from('./journal.ts')})
    const { silentLogger } = await import(${from('./test-support.ts')})
    const { systemClock } = await import(${from('../lib/clock.ts')})
    import { writeSync } from 'node:fs'
    const journal = openJournal({ root: ${JSON.stringify(root)}, bytesMax: 1e8, clock: systemClock, logger: silentLogger })
    for (let n = 0; ; n += 3) {
      await Promise.all([n, n + 1, n + 2].map(async (m) => {
        await journal.append('things', { n: m, filler: 'x'.repeat(m % 2000) })
        writeSync(1, m + '\\n')
      }))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout) {
    said += String(chunk)
    if (said.length > 4_000) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return said.split('\n').slice(0, -1).map(Number)
}

test('every record acknowledged before kill -9 is drained by the next process, in order', async () => {
  const acknowledged = await appendUntilKilled()
  assert.ok(acknowledged.length > 100)
  const journal = open()
  const seen = collect(journal)
  await journal.start()
  await journal.flushed()
  const drained = new Set(seen)
  assert.deepEqual(
    acknowledged.filter((n) => !drained.has(n)),
    [],
  )
  assert.deepEqual(
    seen,
    [...seen].sort((a, b) => a - b),
  )
  const own = readdirSync(root)
  assert.ok(await becomesTrue(() => readdirSync(root).length === 1, 30_000), `left: ${own}`)
})

test('ten thousand records appended at once are drained once each, in batches of a thousand at most', async () => {
  const journal = open()
  const sizes: number[] = []
  const seen: number[] = []
  journal.drainInto('things', async (texts) => {
    sizes.push(texts.length)
    seen.push(...texts.map(numberOf))
  })
  await journal.start()
  await Promise.all(Array.from({ length: 10_000 }, (_, n) => journal.append('things', { n })))
  await journal.flushed()
  assert.deepEqual(
    seen,
    Array.from({ length: 10_000 }, (_, n) => n),
  )
  assert.ok(Math.max(...sizes) <= 1_000)
  assert.deepEqual(journal.state(), { usable: true, waitingRecords: 0, bytes: 0 })
})

test('while the drain throws nothing is lost, and another kind goes on', async () => {
  const journal = open()
  const others: unknown[] = []
  let isAway = true
  const seen: number[] = []
  journal.drainInto('things', async (texts) => {
    if (isAway) throw new Error('away')
    seen.push(...texts.map(numberOf))
  })
  journal.drainInto('others', async (texts) => void others.push(...texts))
  await journal.start()
  await journal.append('things', { n: 1 })
  await journal.append('others', { n: 2 })
  assert.ok(await becomesTrue(() => others.length === 1, 30_000))
  assert.equal(journal.state().waitingRecords, 1)
  isAway = false
  await journal.flushed()
  assert.deepEqual(seen, [1])
})

test('what the database did not take before a clean stop is taken over by the next process, ahead of its own', async () => {
  const first = open()
  for (let n = 0; n < 10; n++) await first.append('things', { n })
  await close(first)
  const second = open()
  const seen = collect(second)
  await second.append('things', { n: 10 })
  await second.start()
  await second.flushed()
  assert.deepEqual(
    seen,
    Array.from({ length: 11 }, (_, n) => n),
  )
})

test('a clean stop with nothing waiting leaves no folder', async () => {
  const journal = open()
  collect(journal)
  await journal.start()
  await journal.append('things', { n: 1 })
  await close(journal)
  assert.deepEqual(readdirSync(root), [])
})

test('the journal of a living process is left alone', async () => {
  const living = open()
  await living.append('things', { n: 1 })
  const other = open()
  const seen = collect(other)
  await other.start()
  await other.flushed()
  assert.deepEqual(seen, [])
})

test('a process that dies later is adopted within ten seconds', async () => {
  const clock = createManualClock()
  const survivor = open({ clock })
  const seen = collect(survivor)
  await survivor.start()
  const dying = open()
  await dying.append('things', { n: 7 })
  await close(dying)
  clock.advance(10_000)
  assert.ok(await becomesTrue(() => seen.length === 1, 30_000))
  assert.deepEqual(seen, [7])
})

test('a torn end is left out, a damaged line costs itself only', async () => {
  const first = open()
  for (let n = 0; n < 3; n++) await first.append('things', { n })
  await close(first)
  const folder = join(root, readdirSync(root)[0] ?? '')
  const path = join(folder, 'things-00000001.ndjson')
  const lines = readFileSync(path, 'utf8').split('\n')
  writeFileSync(path, [lines[0], lines[1]?.replace('1', '9'), lines[2], ''].join('\n'))
  appendFileSync(path, writeLine({ n: 3 }).slice(0, -5))
  const second = open()
  const seen = collect(second)
  await second.start()
  await second.flushed()
  assert.deepEqual(seen, [0, 2])
})

test('every cut of a file yields a prefix of its records and nothing else', () => {
  const records = [{ n: 1 }, { text: 'é\n"\u2028' }, { n: 3 }]
  const texts = records.map((record) => JSON.stringify(record))
  const bytes = Buffer.from(records.map(writeLine).join(''))
  for (let cut = 0; cut <= bytes.length; cut++) {
    const read = readLines(bytes.subarray(0, cut), 0, 100)
    assert.deepEqual(read.texts, texts.slice(0, read.texts.length))
    assert.equal(read.brokenLines, 0)
  }
  assert.equal(readLines(bytes, 0, 100).texts.length, 3)
})

test('a restart repeats one batch at most', async () => {
  const first = open()
  await Promise.all(Array.from({ length: 3_000 }, (_, n) => first.append('things', { n })))
  const drained: number[] = []
  const stuck = Promise.withResolvers<void>()
  first.drainInto('things', async (texts) => {
    drained.push(...texts.map(numberOf))
    if (drained.length >= 2_000) {
      stuck.resolve()
      throw new Error('killed before it could remember this batch')
    }
  })
  await first.start()
  await stuck.promise
  await close(first)
  const second = open()
  const seen = collect(second)
  await second.start()
  await second.flushed()
  assert.equal(seen[0], 1_000)
  assert.equal(seen.length, 2_000)
})

test('a full journal refuses with 503, and takes records again once it was drained', async () => {
  const journal = open({ bytesMax: 2_000 })
  const append = () => journal.append('things', { n: 1, filler: 'x'.repeat(500) })
  for (let round = 0; round < 3; round++) await append()
  await assert.rejects(append(), (error) => error instanceof AppError && error.status === 503)
  collect(journal)
  await journal.start()
  await journal.flushed()
  await append()
})

test('a disk that refuses makes the journal unusable, tells the caller, and is tried again until it takes', async () => {
  const clock = createManualClock()
  const journal = open({ clock })
  const seen = collect(journal)
  await journal.start()
  // A record that fills its segment; where the next one would be made, something stands in the way.
  await journal.append('things', { n: 1, filler: 'x'.repeat(9_000_000) })
  const obstacle = join(root, readdirSync(root)[0] ?? '', 'things-00000002.ndjson')
  writeFileSync(obstacle, '')
  await assert.rejects(
    journal.append('things', { n: 2 }),
    (error) => error instanceof AppError && error.status === 503,
  )
  assert.equal(journal.state().usable, false)
  rmSync(obstacle)
  clock.advance(1_000)
  assert.ok(await becomesTrue(() => journal.state().usable, 30_000))
  await journal.append('things', { n: 3 })
  await journal.flushed()
  assert.deepEqual(seen, [1, 3])
})

test('a segment that somebody removed does not hold up what is there', async () => {
  const journal = open()
  await journal.append('things', { n: 1, filler: 'x'.repeat(9_000_000) })
  await journal.append('things', { n: 2 })
  rmSync(join(root, readdirSync(root)[0] ?? '', 'things-00000001.ndjson'))
  const seen = collect(journal)
  await journal.start()
  await journal.flushed()
  assert.deepEqual(seen, [2])
  assert.equal(journal.state().waitingRecords, 0)
})

test('from outside it shows who writes, and who left records to be taken over', async () => {
  const openAt = () =>
    openJournal({ root: join(root, 'journal'), bytesMax: 1e8, clock: systemClock, logger: silentLogger })
  assert.deepEqual(listJournals(root), { inUse: 0, left: 0 })
  const journal = openAt()
  await journal.append('things', { n: 1 })
  assert.deepEqual(listJournals(root), { inUse: 1, left: 0 })
  await journal.close()
  assert.deepEqual(listJournals(root), { inUse: 0, left: 1 })
  const next = openAt()
  const seen = collect(next)
  await next.start()
  await next.flushed()
  assert.ok(await becomesTrue(() => listJournals(root).left === 0, 30_000))
  await next.close()
  assert.deepEqual([seen, listJournals(root)], [[1], { inUse: 0, left: 0 }])
})
