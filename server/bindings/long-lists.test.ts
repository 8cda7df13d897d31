// Deep pages of long lists by filters that leave out few rows: they are found and counted by those.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { BindingsQuery, InterceptsQuery } from '@sallyport/contract'
import type { Page } from '../store/store.ts'
import { createTestStore, type StoreKind, type TestStore } from '../store/test-support.ts'
import { createBindingStore } from './binding-store.ts'
import { listIntercepts } from './intercept-store.ts'

const kinds: readonly StoreKind[] = ['embedded', 'dsn']
const rows = 50_000
const pageSize = 200
type Look = (page: number) => Promise<Page<{ id: number | string }>>

for (const kind of kinds) {
  describe(`long lists on ${kind} storage`, () => {
    let store: TestStore
    before(async () => {
      store = await createTestStore({ kind, redis: false })
      // One row in a thousand is another's, for each of the filters.
      await store.database.query(
        `insert into intercepts (id, token_display, client_ip, allowed_ips, method, path, reason, alerted, created_at, request_id)
         select gen_random_uuid(),
           case number % 1000 when 1 then 'tk-1...2345' else 'sk-1...2345' end,
           case number % 1000 when 2 then '9.0.0.1' when 3 then '2001:db8::1' else '10.0.0.0' end::inet + (number % 7),
           '{}', 'GET', '/', 'ip_not_allowed', false,
           timestamptz '2026-11-22' + interval '1 second' * case number % 1000 when 4 then -number else number end, ''
         from generate_series(1, $1::int) as number`,
        [rows],
      )
      await store.database.query(
        `insert into bindings (digest, token_display, mode, allowed_ips, status)
         select int4send(number), case number % 1000 when 1 then 'tk-1...2345' else 'sk-1...2345' end, 'single', '{}',
           case number % 1000 when 2 then 'banned' else 'active' end
         from generate_series(1, $1::int) as number`,
        [rows],
      )
      await store.database.query('vacuum analyze intercepts')
      await store.database.query('vacuum analyze bindings')
    })
    after(() => store.close())

    /** In both halves and at the end, as looked at first and when the list has been counted. */
    async function assertPages(look: Look, table: string, where: string, order: string) {
      const sql = `select id from ${table} where ${where} order by ${order}`
      const all = (await store.database.query<{ id: number | string }>(sql)).rows.map(({ id }) => id)
      assert.ok(all.length < rows && all.length > rows * 0.99, `${all.length} rows`)
      const pageLast = Math.ceil(all.length / pageSize)
      for (const page of [110, pageLast, 140, 110]) {
        const found = await look(page)
        const ids = found.items.map(({ id }) => id)
        assert.deepEqual(ids, all.slice((page - 1) * pageSize, page * pageSize), `page ${page}`)
        if (page === pageLast)
          assert.deepEqual([found.total, found.total_is_estimate], [all.length, undefined])
      }
    }

    const interceptFilters: [Partial<InterceptsQuery>, string][] = [
      [{ q: 'sk-' }, `token_display ~ '^sk-'`],
      [{ ip: '10.0.0.0/8' }, `client_ip << '10.0.0.0/8'`],
      [{ from: '2026-11-22' }, `created_at >= '2026-11-22T00:00Z'`],
      [{ to: '2026-11-22T13:53:00Z' }, `created_at < '2026-11-22T13:53:00Z'`],
      [{ q: 'sk-', ip: '10.0.0.0/8' }, `token_display ~ '^sk-' and client_ip << '10.0.0.0/8'`],
    ]
    for (const [filter, where] of interceptFilters) {
      test(`refusals by ${JSON.stringify(filter)}`, () =>
        assertPages(
          (page) => listIntercepts(store.database, { ...filter, page, page_size: pageSize }),
          'intercepts',
          where,
          'created_at desc, id desc',
        ))
    }

    const bindingFilters: [Partial<BindingsQuery>, string][] = [
      [{ q: 'sk-' }, `token_display ~ '^sk-'`],
      [{ status: 'active' }, `status <> 'banned'`],
      [{ q: 'sk', status: 'active', mode: 'single' }, `token_display ~ '^sk-' and status <> 'banned'`],
    ]
    for (const [filter, where] of bindingFilters) {
      test(`bindings by ${JSON.stringify(filter)}`, () =>
        assertPages(
          (page) => createBindingStore(store.database).list({ ...filter, page, page_size: pageSize }),
          'bindings',
          where,
          'id desc',
        ))
    }
  })
}
