// Archives: what was exported is there after an import to the last byte, and a file that is not whole changes nothing.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { within } from '../../test/support/eventually.ts'
import { needs } from '../../test/support/needs.ts'
import { openScope, type Scope } from '../../test/support/scope.ts'
import { readAllTables } from '../../test/support/tables.ts'
import { systemClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { type Connection, openConnection } from './connection.ts'
import { createStore } from './create-store.ts'
import { checkFingerprints } from './fingerprint.ts'
import { createSchema, listKnownMigrations } from './migrations.ts'
import { importArchive, openArchive } from './read-archive.ts'
import type { StoreDependencies } from './store.ts'
import { createTestPlace, type TestPlace } from './test-support.ts'
import { exportDatabase } from './write-archive.ts'

const limitMs = 10_000
/** What a careless reader of lines or columns would break. */
const awkward = [
  '',
  '\\.',
  'a\nb',
  'tab\there',
  '\\N',
  '\\',
  "it's",
  '"quoted"',
  'grün 例',
  '\r\n',
  '{"a": null}',
]

type Places = { source: TestPlace; archive: Buffer }

/** A database with rows in tables that refer to each other, all of them awkward, and its archive. */
async function makeSource(scope: Scope): Promise<Places> {
  const source = await createTestPlace({ kind: 'dsn', redis: false })
  scope.defer(source.remove)
  const store = await createStore(source.dependencies)
  await store.database.transaction(async (tx) => {
    for (const [index, text] of awkward.entries()) {
      await tx.query('insert into clients (external_id, name, settings) values ($1, $2, $3)', [
        `client-${index}`,
        text,
        text,
      ])
      await tx.query(
        `insert into api_keys (client_id, display, scopes, last_used_at)
         values (currval('clients_id_seq'), $1, $2, 'infinity')`,
        [text, [text, 'x']],
      )
      await tx.query(`insert into api_key_secrets values ($1, currval('api_keys_id_seq'), null)`, [
        Buffer.from(`\\.\n${index}`),
      ])
    }
    await tx.query(`insert into archived_bindings values (7, '\\x00ff', '', 'all', '{}', null)`)
    await tx.query(`select nextval('binding_version')`)
    await tx.query('create table written_by_others (note text)')
    await tx.query(`insert into written_by_others values ('mine')`)
  })
  await store.close()
  return { source, archive: await exportOf(source.dependencies) }
}

async function exportOf(dependencies: StoreDependencies): Promise<Buffer> {
  let parts: Uint8Array[] = []
  await exportDatabase(dependencies, {
    product: '1.2.3',
    onProgress: () => undefined,
    write: async (file) => {
      parts = await Array.fromAsync(file)
    },
  })
  return Buffer.concat(parts)
}

/** Imports in pieces of any size; answers the tables that were left out. */
async function importInto(place: TestPlace, file: Buffer, check = async () => undefined): Promise<string[]> {
  const pieces = Array.from({ length: Math.ceil(file.length / 777) }, (_, index) =>
    file.subarray(index * 777, (index + 1) * 777),
  )
  const archive = await openArchive(Readable.from(pieces))
  return await importArchive(place.dependencies, archive, { onProgress: () => undefined, check })
}

async function onConnection<Result>(
  { dependencies }: TestPlace,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connectionString = dependencies.config.pgDsn?.reveal() ?? ''
  const connection = await openConnection({ connectionString }, systemClock, limitMs)
  return await work(connection).finally(() => connection.destroy())
}

/** An empty database that goes with the test. */
async function openPlace(scope: Scope): Promise<TestPlace> {
  const place = await createTestPlace({ kind: 'dsn', redis: false, isEmpty: true })
  scope.defer(place.remove)
  return place
}

async function tablesOf(place: TestPlace): Promise<Map<string, string[]>> {
  return await onConnection(place, (connection) => readAllTables((sql) => connection.query(sql, [], limitMs)))
}

const repack = (archive: Buffer, change: (text: string) => string) =>
  gzipSync(Buffer.from(change(gunzipSync(archive).toString('latin1')), 'latin1'))

describe('archives', await needs('postgres'), () => {
  const scope = openScope({ after })
  let places: Places
  let target: TestPlace
  before(async () => {
    places = await makeSource(scope)
    target = await openPlace(scope)
  })

  const refused: [name: string, file: () => Buffer, message: RegExp][] = [
    ['that is none', () => Buffer.from('#!/bin/sh\nexit 0\n'), /no archive of 'sallyport export'/],
    ['that is empty', () => Buffer.alloc(0), /cut off/],
    ['of another program', () => gzipSync('PGDMP and more\n'), /no archive of 'sallyport export'/],
    ['of JSON', () => gzipSync('{"format":"else"}\n'), /no archive of 'sallyport export'/],
    ['without an end of line', () => gzipSync(Buffer.alloc(5_000_000, 'x')), /no archive/],
    ['that is cut off', () => places.archive.subarray(0, places.archive.length - 9), /cut off/],
    ['that is cut off early', () => places.archive.subarray(0, 300), /cut off/],
    [
      'cut off and packed again',
      () => repack(places.archive, (all) => all.slice(0, -400)),
      /cut off|damaged/,
    ],
    ['with a flipped bit', () => flipBit(places.archive), /damaged|cut off/],
    [
      'with an altered value',
      () => repack(places.archive, (all) => all.replace('tab\\there', 'tab\\tHERE')),
      /table clients is not as it was written/,
    ],
    [
      'without a row',
      () => repack(places.archive, (all) => all.replace(/\n1\t[^\n]*\n2\t/, '\n2\t')),
      /table clients is not as/,
    ],
    [
      'with a value that does not fit',
      () => repack(places.archive, (all) => all.replace(/\n1\tclient-0/, '\none\tclient-0')),
      /rows of clients do not fit/,
    ],
    ['twice', () => Buffer.concat([places.archive, places.archive]), /goes on where it should end/],
    ['without a table', () => repack(places.archive, dropFirstTable), /lacks tables: /],
    [
      'of a newer form',
      () => repack(places.archive, (all) => all.replace('"version":1', '"version":2')),
      /newer form .*version 1\.2\.3 or newer/,
    ],
    [
      'of a newer schema',
      () => repack(places.archive, (all) => all.replace('"migrations":["', '"migrations":["later","')),
      /newer schema .*version 1\.2\.3 or newer/,
    ],
  ]
  for (const [name, file, message] of refused) {
    test(`a file ${name} is refused and changes nothing`, async () => {
      await assert.rejects(importInto(target, file()), { name: 'ArchiveError', message })
      assert.deepEqual(await tablesOf(target), new Map())
    })
  }

  test('what the caller finds wrong with the imported rows undoes the import', async () => {
    const check = () => Promise.reject(new Error('not so'))
    await assert.rejects(importInto(target, places.archive, check), /not so/)
    assert.deepEqual(await tablesOf(target), new Map())
  })

  test('an import has every row of every table, and counts on where the former place stopped', async () => {
    assert.deepEqual(await importInto(target, places.archive), ['written_by_others'])
    const [was, is] = [await tablesOf(places.source), await tablesOf(target)]
    assert.equal(was.get('public.clients')?.length, awkward.length)
    was.delete('public.written_by_others')
    assert.deepEqual(is, was)
    const next = `insert into clients (external_id, name) values ('next', 'next') returning id`
    const { rows } = await onConnection(target, (connection) => connection.query(next, [], limitMs))
    assert.deepEqual(rows, [{ id: awkward.length + 1 }])
  })

  test('a database that holds anything is refused, and named is what it holds', async (t) => {
    await assert.rejects(importInto(target, places.archive), {
      name: 'ArchiveError',
      message: /empty database only, and this one holds admin_account, .* and \d+ more\. Make a new database/,
    })
    const other = await openPlace(openScope(t))
    await onConnection(other, (connection) => connection.query('create table notes ()', [], limitMs))
    await assert.rejects(importInto(other, places.archive), /this one holds notes\. /)
  })

  test('a file of an older version is imported and brought up to date', async (t) => {
    const scope = openScope(t)
    const [older, place] = [await openPlace(scope), await openPlace(scope)]
    await onConnection(older, async (connection) => {
      await createSchema(connection, listKnownMigrations().slice(0, -1))
      await checkFingerprints(connection, older.dependencies.config)
    })
    await importInto(place, await exportOf(older.dependencies))
    const tables = await tablesOf(place)
    assert.equal(tables.get('drizzle.__drizzle_migrations')?.length, listKnownMigrations().length)
    assert.deepEqual(tables.get('public.installation'), (await tablesOf(older)).get('public.installation'))
  })

  test('nothing is exported of an empty database, nor with secrets that are not its own', async (t) => {
    const empty = await openPlace(openScope(t))
    await assert.rejects(exportOf(empty.dependencies), { name: 'ArchiveError', message: /nothing to export/ })
    const { dependencies } = places.source
    const config = { ...dependencies.config, pepper: new Secret('another pepper of thirty-two characters') }
    await assert.rejects(exportOf({ ...dependencies, config }), {
      name: 'ConfigError',
      message: /SENTINEL_HMAC_SECRET/,
    })
  })

  test('work that waits in a queue is done in the new place, unless it has waited for days', async (t) => {
    const scope = openScope(t)
    const [place, next] = [await openPlace(scope), await openPlace(scope)]
    const former = await createStore(place.dependencies)
    scope.defer(former.close)
    const begun = Promise.withResolvers<void>()
    await former.jobs.queue('letters', () => {
      begun.resolve()
      return Promise.reject(new Error('not today'))
    })
    await former.startWork()
    for (const name of ['fresh', 'stale']) {
      await former.database.transaction((tx) => former.jobs.enqueue(tx, 'letters', { name }, name))
    }
    await within('the first attempt', begun.promise, 60_000)
    await former.close()
    const age = `update jobs.job set created_on = now() - interval '4 days' where singleton_key = 'stale'`
    await onConnection(place, (connection) => connection.query(age, [], limitMs))

    const { pgDsn } = next.dependencies.config
    const dependencies = { ...next.dependencies, config: { ...place.dependencies.config, pgDsn } }
    await importInto({ ...next, dependencies }, await exportOf(place.dependencies))
    assert.equal((await tablesOf(next)).get('public.imported_jobs')?.length, 2)
    const store = await createStore(dependencies)
    scope.defer(store.close)
    const done = Promise.withResolvers<object>()
    await store.jobs.queue('letters', async (data) => done.resolve(data))
    await store.startWork()
    assert.deepEqual(await within('the letter', done.promise, 60_000), { name: 'fresh' })
    assert.equal((await tablesOf(next)).get('public.imported_jobs')?.length, 0)
  })
})

function flipBit(archive: Buffer): Buffer {
  const copy = Buffer.from(archive)
  const middle = copy.length >> 1
  copy[middle] = (copy[middle] ?? 0) ^ 4
  return copy
}

/** Takes one out of the header and its rows out of the file. */
function dropFirstTable(text: string): string {
  const name = /"tables":\[\{"name":"(\w+)"/.exec(text)?.[1]
  return text
    .replace(/"tables":\[\{[^}]*\},/, '"tables":[')
    .replace(new RegExp(`\\n\\{"table":"${name}"[^]*?\\n\\\\\\.\\n[^\\n]*\\n`), '\n')
}
