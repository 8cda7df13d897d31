// Pages of long lists: the first look is quick and says that it estimates, and no page ever shows another row for it.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { createConditions, type Database, type Page, type Row, selectPage } from './store.ts'
import { createTestStore, type StoreKind, type TestStore } from './test-support.ts'

const rows = 30_000
const kinds: readonly StoreKind[] = ['embedded', 'dsn']
type Item = Row & { id: number }

for (const kind of kinds) {
  describe(`long lists on ${kind} storage`, () => {
    let store: TestStore
    before(async () => {
      store = await createTestStore({ kind, redis: false })
      await store.database.query(`create table things as
        select number::bigint as id, number % 3 as kind from generate_series(1, ${rows}) as number`)
      await store.database.query('alter table things add primary key (id)')
      await store.database.query('vacuum analyze things')
    })
    after(() => store.close())

    const look = (
      page: number,
      { pageSize = 200, kindsFrom = -1, database = store.database as Database } = {},
    ): Promise<Page<Item>> => {
      const conditions = createConditions()
      // Each test looks at a list of its own, which nobody has counted: all of them hold every row.
      conditions.add((value) => `kind > ${value}`, kindsFrom)
      return selectPage<Item>(database, {
        ...{ table: 'things', columns: 'id, kind', order: ['id'], conditions, page, pageSize },
      })
    }
    const newestFirst = (from: number, count: number) => Array.from({ length: count }, (_, at) => from - at)
    const ids = ({ items }: Page<Item>) => items.map(({ id }) => id)
    const untilCounted = (kindsFrom: number) =>
      eventually('the exact total', async () => !(await look(1, { kindsFrom })).total_is_estimate)

    test('the first look is an estimate and says so, a later one is exact', async () => {
      const first = await look(1, { kindsFrom: -2 })
      assert.equal(first.total_is_estimate, true)
      assert.ok(first.total > rows * 0.9 && first.total < rows * 1.1, `${first.total}`)
      assert.deepEqual(ids(first), newestFirst(rows, 200))
      await untilCounted(-2)
      const { items, ...second } = await look(1, { kindsFrom: -2 })
      assert.deepEqual(second, { total: rows, page: 1, page_size: 200 })
      assert.deepEqual(items, first.items)
    })

    test('a page deep in a list that nobody has counted is the one that it is once counted', async () => {
      for (const [page, kindsFrom] of [
        [70, -3],
        [110, -9],
      ] as const) {
        const deep = await look(page, { kindsFrom })
        assert.equal(deep.total_is_estimate, true)
        await untilCounted(kindsFrom)
        const again = await look(page, { kindsFrom })
        assert.deepEqual([again.total_is_estimate, again.items], [undefined, deep.items])
        assert.deepEqual(ids(deep), newestFirst(rows - (page - 1) * 200, 200))
      }
    })

    test('the last page tells the exact total, full or not', async () => {
      const full = await look(rows / 200, { kindsFrom: -4 })
      assert.deepEqual(
        [full.total, full.total_is_estimate, ids(full)],
        [rows, undefined, newestFirst(200, 200)],
      )
      const part = await look(Math.ceil(rows / 199), { kindsFrom: -5, pageSize: 199 })
      assert.deepEqual(
        [part.total, part.total_is_estimate, ids(part)],
        [rows, undefined, newestFirst(150, 150)],
      )
    })

    test('who looks beyond the end is told where it is', async () => {
      for (const [page, kindsFrom] of [
        [rows / 200 + 1, -6],
        [1_000_000_000, -7],
      ] as const) {
        assert.deepEqual(await look(page, { kindsFrom }), { items: [], total: rows, page, page_size: 200 })
      }
    })

    test('pages make the whole list, whatever is known of its length when each is looked at', async () => {
      const seen: number[] = []
      let page: Page<Item>
      let number = 0
      do {
        number++
        // Every third page is the first that is seen of its list, the others find it being counted or counted.
        page = await look(number, { kindsFrom: -100 - Math.floor(number / 3), pageSize: 199 })
        seen.push(...ids(page))
        assert.equal(number * 199 < page.total, page.items.length === 199, `page ${number} and its total`)
      } while (number * 199 < page.total)
      assert.deepEqual(seen, newestFirst(rows, rows))
    })

    test('a wrong estimate never ends a list that goes on, nor goes on where the list ends', async () => {
      for (const expected of [20_000, 10_000_000]) {
        const expectRows = async () => ({ rows: expected, isExact: false, isDue: true })
        const totalAt = async (page: number) => {
          const found = await look(page, { database: { ...store.database, expectRows } })
          return [found.items.length, found.total, found.total_is_estimate]
        }
        const pageLast = rows / 200
        const isWalkedTo = expected === 10_000_000
        assert.deepEqual(await totalAt(1), [200, expected, true])
        assert.deepEqual(
          await totalAt(pageLast - 1),
          isWalkedTo ? [200, expected, true] : [200, rows, undefined],
        )
        assert.deepEqual(await totalAt(pageLast), [200, rows, undefined])
        assert.deepEqual(await totalAt(pageLast + 1), [0, rows, undefined])
      }
    })

    test('a count that is due begins only when the page has been read', async () => {
      for (const isExact of [true, false]) {
        const steps: string[] = []
        const database: Database = {
          ...store.database,
          expectRows: async () => ({ rows, isExact, isDue: true }),
          countLater: () => steps.push('counted'),
          query: <R>(...query: Parameters<Database['query']>) =>
            store.database.query<R>(...query).finally(() => steps.push('read')),
        }
        await look(1, { database })
        assert.deepEqual(steps, ['read', 'counted'])
      }
    })

    test('a page near the end of a list that nobody has counted is found from there', async () => {
      const offsets: unknown[] = []
      const database: Database = {
        ...store.database,
        query: <R>(sql: string, values: readonly unknown[] = []) => {
          offsets.push(values.at(-1))
          return store.database.query<R>(sql, values)
        },
      }
      const page = await look(140, { kindsFrom: -8, database })
      assert.deepEqual([page.total, page.total_is_estimate], [rows, undefined])
      assert.deepEqual(ids(page), newestFirst(rows - 139 * 200, 200))
      assert.deepEqual(offsets, [rows - 140 * 200])
    })

    test('closing is not disturbed by a count that is under way', async () => {
      const table = '(select number as id from generate_series(1, 300000) as number) as numbers'
      const { database, close } = await createTestStore({ kind, redis: false })
      const conditions = createConditions()
      const list = { table, columns: 'id', order: ['id'], conditions }
      const found = await selectPage<Item>(database, { ...list, page: 1, pageSize: 5 })
      await close()
      assert.deepEqual([ids(found), found.total_is_estimate], [newestFirst(300_000, 5), true])
      assert.doesNotThrow(() => database.countLater(list))
    })
  })
}
