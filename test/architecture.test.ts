// Holds the source tree to the house rules, and shows for each rule a sample that breaks it.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { errorCatalogue } from '@sallyport/contract'
import {
  compareErrorPage,
  findFilesWithoutOpening,
  findForbiddenImports,
  findLongFiles,
  findMissingFiles,
  findProductWordsInLib,
} from './architecture-rules.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const sources = globSync('{agent,bench,console,contract,server,test}/**/*.ts', {
  cwd: root,
  exclude: (path) => /node_modules|(^|\/)dist(\/|$)/.test(path),
}).map((path) => ({ path, text: read(path) }))
const sample = (path: string, text: string) => [{ path, text }]

describe('arrows run one way and rooms are entered by their doors', () => {
  test('the tree holds', () => {
    assert.ok(sources.length > 20, 'the sources were found')
    assert.deepEqual(findForbiddenImports(sources), [])
  })

  const forbidden: [name: string, path: string, text: string][] = [
    ['a room passing by a door', 'server/admin/a.ts', "import { x } from '../bindings/cache.ts'"],
    ['a room using a neighbour', 'server/bindings/a.ts', "import type { Notify } from '../notify/notify.ts'"],
    ['lib using a room', 'server/lib/a.ts', "import { x } from '../store/store.ts'"],
    [
      'the gateway calling a room itself',
      'server/gateway/a.ts',
      "import { createB } from '../bindings/bindings.ts'",
    ],
    [
      'a type list with one value in it',
      'server/gateway/a.ts',
      "import { type A, createB } from '../bindings/bindings.ts'",
    ],
    [
      'an import over several lines',
      'server/store/a.ts',
      "import {\n  x,\n  y,\n} from '../bindings/bindings.ts'",
    ],
    ['a dynamic import', 'server/http/a.ts', "const x = await import('../store/store.ts')"],
    ['a re-export', 'server/http/a.ts', "export { x } from '../store/store.ts'"],
    ['main imported by a room', 'server/admin/a.ts', "import { runGateway } from '../main.ts'"],
    ['contract past its door', 'server/admin/a.ts', "import { x } from '../../contract/errors.ts'"],
    ['contract using the server', 'contract/a.ts', "import { x } from '../server/lib/clock.ts'"],
    ['test support in the product', 'server/admin/a.ts', "import { x } from '../store/test-support.ts'"],
  ]
  for (const [name, path, text] of forbidden) {
    test(`${name} is found`, () => assert.equal(findForbiddenImports(sample(path, text)).length, 1))
  }

  test('types of a door are open to the gateway, and tests may look anywhere', () => {
    const text = "import type { Bindings } from '../bindings/bindings.ts'"
    assert.deepEqual(findForbiddenImports(sample('server/gateway/a.ts', text)), [])
    const inner = "import { x } from '../bindings/cache.ts'"
    assert.deepEqual(findForbiddenImports(sample('server/gateway/a.test.ts', inner)), [])
  })
})

describe('files stay small, opened by a sentence, and general where they are shared', () => {
  test('the tree holds', () => {
    assert.deepEqual(findProductWordsInLib(sources), [])
    assert.deepEqual(findLongFiles(sources), [])
    assert.deepEqual(findFilesWithoutOpening(sources), [])
  })

  test('a product word in lib, a long file and a file without an opening are found', () => {
    assert.equal(findProductWordsInLib(sample('server/lib/a.ts', 'const apiKey = 1')).length, 1)
    assert.equal(findLongFiles(sample('server/lib/a.ts', '//\n'.repeat(401))).length, 1)
    assert.equal(findFilesWithoutOpening(sample('server/lib/a.ts', "import 'node:fs'\n")).length, 1)
  })
})

describe('the pages tell the truth', () => {
  test('docs/request-path.md names only files that exist', () => {
    const page = read('docs/request-path.md')
    assert.match(page, /server\/gateway\/gateway\.ts/)
    assert.deepEqual(
      findMissingFiles(page, (path) => existsSync(join(root, path))),
      [],
    )
  })

  test('docs/errors.md holds exactly the codes and statuses of the catalogue', () => {
    assert.deepEqual(compareErrorPage(read('docs/errors.md'), errorCatalogue), [])
  })

  test('a named file that is gone and every kind of difference between page and catalogue are found', () => {
    assert.deepEqual(
      findMissingFiles('see `server/gone.ts`', () => false),
      ['server/gone.ts'],
    )
    const page = '| `a_code` | 404 | x |\n| `only_here` | 400 | x |\n'
    const problems = compareErrorPage(page, { a_code: { status: 403 }, not_there: { status: 500 } })
    assert.equal(problems.length, 3)
  })
})
