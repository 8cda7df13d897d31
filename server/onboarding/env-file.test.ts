// The `.env` file: one value changes, every other byte stays; whole, private, one change at a time.
import assert from 'node:assert/strict'
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseEnv } from 'node:util'
import fc from 'fast-check'
import { changeEnvText } from '../lib/env-text.ts'
import { createEnvFile } from './env-file.ts'

const name = 'GEMINI_API_KEY'
const key = fc.stringMatching(/^[\x21-\x7e]{8,40}$/)
const otherLine = fc.oneof(
  fc.constantFrom(
    '',
    '# a comment',
    '   ',
    '#GEMINI_API_KEY=old',
    'nonsense',
    'export A=1',
    "B='two words' # why",
    'C="x#y"',
  ),
  fc.constantFrom(
    'D="two\nlines"',
    'E=`tick`',
    ' F = spaced ',
    'G=',
    'XGEMINI_API_KEY=1',
    'H=a=b',
    "I='GEMINI_API_KEY=no'",
  ),
  fc.constantFrom('J="first\nGEMINI_API_KEY=within\nlast"'),
)
const ownLine = fc.constantFrom(
  'GEMINI_API_KEY=old',
  'export GEMINI_API_KEY="old" # mine',
  " GEMINI_API_KEY = 'o#d'",
  'GEMINI_API_KEY=',
)

test('every other line stays byte for byte, and readers find the new value', () => {
  const file = fc.record({
    before: fc.array(otherLine, { maxLength: 6 }),
    own: fc.option(ownLine),
    after: fc.array(otherLine, { maxLength: 6 }),
    ending: fc.constantFrom('\n', '\r\n'),
    isEnded: fc.boolean(),
  })
  fc.assert(
    fc.property(file, key, ({ before, own, after, ending, isEnded }, value) => {
      const join = (lines: string[]) => lines.map((line) => line.replaceAll('\n', ending))
      const [above, below] = [join(before), join(after)]
      const text = [...above, ...(own === null ? [] : [own]), ...below].join(ending) + (isEnded ? ending : '')
      const changed = changeEnvText(text, { [name]: value })
      // Only a key that holds all three kinds of quotes can stand nowhere.
      if (changed === null) return assert.ok(/'/.test(value) && /`/.test(value) && /["\\$]/.test(value), text)
      assert.equal(parseEnv(changed)[name], value)
      assert.deepEqual({ ...parseEnv(changed), [name]: '' }, { ...parseEnv(text), [name]: '' })
      const head = above.map((line) => line + ending).join('')
      assert.ok(changed.startsWith(own === null && !isEnded ? head.slice(0, -ending.length) : head))
      if (own !== null) {
        const tail = below.map((line) => ending + line).join('') + (isEnded ? ending : '')
        assert.ok(changed.endsWith(tail), JSON.stringify([text, changed]))
        assert.equal(/^\s*export /.test(own), /^\s*export GEMINI/m.test(changed))
      }
      assert.equal(changeEnvText(changed, { [name]: value }), changed)
      const without = changeEnvText(changed, { [name]: null })
      assert.equal(without === null ? undefined : parseEnv(without)[name], undefined)
    }),
    { numRuns: 2000 },
  )
})

async function openFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-env-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('the file is private afterwards, nothing is left beside it, and fifty changes at once all count', async (t) => {
  const folder = await openFolder(t)
  const path = join(folder, '.env')
  await writeFile(path, '# keep\nA=1\n', { mode: 0o644 })
  const file = createEnvFile(path)
  const names = Array.from({ length: 50 }, (_, index) => `KEY_${index}`)
  await Promise.all(names.map((each) => file.change({ [each]: `value-of-${each}` })))
  const values = await file.read()
  for (const each of names) assert.equal(values[each], `value-of-${each}`)
  assert.ok((await readFile(path, 'utf8')).startsWith('# keep\nA=1\n'))
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  assert.deepEqual(await readdir(folder), ['.env'])
})

test('a file is made where there is none; a link stays a link; what is no file is refused', async (t) => {
  const folder = await openFolder(t)
  await createEnvFile(join(folder, 'new')).change({ A: 'b' })
  assert.equal(await readFile(join(folder, 'new'), 'utf8'), 'A=b\n')
  await symlink(join(folder, 'new'), join(folder, 'link'))
  await createEnvFile(join(folder, 'link')).change({ A: 'c' })
  assert.equal(await readFile(join(folder, 'new'), 'utf8'), 'A=c\n')
  assert.ok((await lstat(join(folder, 'link'))).isSymbolicLink())
  await symlink(join(folder, 'nowhere'), join(folder, 'dangling'))
  const refused = { code: 'conflict' }
  await assert.rejects(createEnvFile(join(folder, 'dangling')).change({ A: 'd' }), refused)
  await assert.rejects(createEnvFile('/dev/null').change({ A: 'd' }), refused)
  await writeFile(join(folder, 'open'), 'A="never closed\n')
  await createEnvFile(join(folder, 'open')).change({ B: 'plain' })
  assert.equal(await readFile(join(folder, 'open'), 'utf8'), 'A="never closed\nB=plain\n')
})

test('where the work after a change fails, the former values come back before anyone else’s turn', async (t) => {
  const folder = await openFolder(t)
  const path = join(folder, '.env')
  const text = '# keep\nA="one two" # why\nB=1'
  await writeFile(path, text)
  const file = createEnvFile(path)
  const failing = file.change({ A: 'new', C: 'added' }, async () => {
    assert.deepEqual({ ...(await file.read()) }, { A: 'new', B: '1', C: 'added' })
    throw new Error('the work failed')
  })
  const next = file.change({ D: 'next' })
  await assert.rejects(failing, /the work failed/)
  await next
  assert.equal(await readFile(path, 'utf8'), `${text}\nD=next\n`)
})
