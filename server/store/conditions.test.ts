// Filters of lists: what one takes and what it leaves out are together all rows, each once.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Conditions, createConditions } from './store.ts'
import { createTestStore, type StoreKind, type TestStore } from './test-support.ts'

const kinds: readonly StoreKind[] = ['embedded', 'dsn']
const texts = [
  '',
  'a',
  'aa',
  'a%',
  'a_b',
  'a\\',
  'ab',
  'a~',
  'a~z',
  'aé',
  'a😀',
  'a\u{10ffff}z',
  'b',
  'A',
  '~',
  '😀',
  '😀a',
]
const days = ['2026-10-31', '2026-11-01', '2026-11-02', '2026-11-03']

for (const kind of kinds) {
  describe(`filters on ${kind} storage`, () => {
    let store: TestStore
    before(async () => {
      store = await createTestStore({ kind, redis: false })
      await store.database.query('create table things (text text not null, moment timestamptz not null)')
      await store.database.query(
        `insert into things select text, moment from unnest($1::text[]) as text, unnest($2::timestamptz[]) as moment`,
        [texts, days.flatMap((day) => [`${day}T00:00:00Z`, `${day}T23:59:59.999Z`])],
      )
    })
    after(() => store.close())

    const find = async ({ where, values }: Conditions, order = 'text collate "C", moment') => {
      const sql = `select text, moment from things ${where} order by ${order}`
      return (await store.database.query<{ text: string; moment: Date }>(sql, values)).rows
    }
    const key = ({ text, moment }: { text: string; moment: Date }) => `${moment.toISOString()} ${text}`
    const assertComplete = async (conditions: Conditions, waysExpected: number) => {
      const taken = (await find(conditions)).map(key)
      const ways = conditions.listWider()
      assert.equal(ways.length, waysExpected)
      for (const { wider, beyond } of ways) {
        const parts = [...taken, ...(await find(beyond)).map(key)]
        assert.deepEqual(parts.sort(), (await find(wider)).map(key).sort())
      }
    }

    test('the beginning of a text, whatever characters it is of', async () => {
      for (const text of texts.concat('c', 'a\\%')) {
        const conditions = createConditions()
        conditions.addPrefix('text', text)
        const taken = new Set((await find(conditions)).map((row) => row.text))
        assert.deepEqual(taken, new Set(texts.filter((other) => other.startsWith(text))), text)
        await assertComplete(conditions, 1)
      }
    })

    test('a time, and several filters at once', async () => {
      const conditions = createConditions()
      conditions.addTime('moment', { from: '2026-11-01', to: '2026-11-02' })
      const taken = new Set((await find(conditions)).map(({ moment }) => moment.toISOString().slice(0, 10)))
      assert.deepEqual([...taken].sort(), ['2026-11-01', '2026-11-02'])
      await assertComplete(conditions, 2)
      conditions.addPrefix('text', 'a')
      conditions.add((value) => `length(text) = ${value}`, 2)
      await assertComplete(conditions, 3)
    })

    test('a time that ends before it begins is refused by its name', () => {
      assert.throws(() => createConditions().addTime('moment', { from: '2026-11-02', to: '2026-11-01' }), {
        code: 'malformed_request',
        message: /from: 2026-11-02 is not before to: 2026-11-01/,
      })
    })
  })
}
