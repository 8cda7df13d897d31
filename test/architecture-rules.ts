// The house rules of the source tree as functions of its text: who may import whom, door files, sizes, words.

export type SourceFile = {
  /** From the root of the repository, with `/`. */
  path: string
  text: string
}

type Import = { from: string; line: number; target: string; typeOnly: boolean }

/** Rooms that a room may use: `values` through their doors at run time, `types` as types of their doors only. */
type Arrows = { values: readonly string[]; types: readonly string[] }

const foundation = ['lib', 'config']
const engines = [...foundation, 'store']
const rooms = [
  ...['identity', 'bindings', 'vault', 'usage', 'video', 'notify'],
  ...['billing', 'onboarding', 'providers', 'gateway', 'admin', 'http'],
]

/** DESIGN.md's arrows. A room that is not listed may use nothing; `contract` is open to all. */
export const arrowTable: Readonly<Record<string, Arrows>> = {
  lib: { values: [], types: [] },
  config: { values: ['lib'], types: [] },
  store: { values: foundation, types: [] },
  http: { values: foundation, types: [] },
  identity: { values: engines, types: [] },
  bindings: { values: engines, types: [] },
  vault: { values: engines, types: [] },
  usage: { values: engines, types: [] },
  video: { values: engines, types: [] },
  notify: { values: engines, types: [] },
  billing: { values: [...engines, 'usage', 'notify'], types: [] },
  onboarding: { values: [...engines, 'vault'], types: [] },
  providers: { values: [...engines, 'vault'], types: [] },
  gateway: { values: [...foundation, 'http'], types: ['store', ...rooms] },
  web: { values: engines, types: ['http'] },
  api: { values: [...engines, 'web'], types: ['http', ...rooms] },
  admin: { values: [...engines, ...rooms, 'web'], types: ['http'] },
  cli: { values: ['main', ...engines, ...rooms], types: [] },
  main: { values: [...engines, ...rooms, 'web', 'api'], types: [] },
}

/** Product words (SPEC §1) that a general helper has no business to know. */
const productWords =
  /binding|intercept|invoice|camera|provider|tenant|device|sallyport|sentinel|foreign ?token|api ?key|usage ?event|frame ?buffer/i

const linesMax = 400

/** Imports that break the arrows or pass by a door. Tests and their support files may look anywhere. */
export function findForbiddenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    if (isTestFile(file.path)) return []
    return findImports(file).flatMap((found) => {
      const problem = judgeImport(found)
      return problem ? [`${found.from}:${found.line}: ${problem} (${found.target})`] : []
    })
  })
}

export function findProductWordsInLib(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => file.path.startsWith('server/lib/') && !isTestFile(file.path))
    .flatMap((file) =>
      file.text.split('\n').flatMap((line, index) => {
        const word = productWords.exec(line)?.[0]
        return word ? [`${file.path}:${index + 1}: lib knows no product word, and this is one: ${word}`] : []
      }),
    )
}

export function findLongFiles(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const lines = file.text.trimEnd().split('\n').length
    return lines > linesMax ? [`${file.path}: ${lines} lines, ${linesMax} at most`] : []
  })
}

/** Each file opens with a sentence on what it is for. */
export function findFilesWithoutOpening(files: readonly SourceFile[]): string[] {
  return files
    .filter((file) => !/^(#!.*\n)?\/\/ \S.{10,}/.test(file.text))
    .map((file) => `${file.path}: opens without a comment that says what the file is for`)
}

/** Paths with a file ending that `page` names in backticks or links and that do not exist. */
export function findMissingFiles(page: string, exists: (path: string) => boolean): string[] {
  const named = [...page.matchAll(/(?:server|contract|console|agent|test|docs)\/[\w./-]+\.[a-z]+/g)]
  return [...new Set(named.map((match) => match[0]))].filter((path) => !exists(path))
}

/** Differences between the table rows of `page` (`code` | status | …) and the catalogue. */
export function compareErrorPage(
  page: string,
  catalogue: Readonly<Record<string, { status: number }>>,
): string[] {
  const documented = new Map(
    [...page.matchAll(/^\|\s*`([a-z_]+)`\s*\|\s*(\d{3})\s*\|/gm)].map((row) => [row[1], Number(row[2])]),
  )
  const wrong = Object.entries(catalogue).flatMap(([code, { status }]) => {
    const told = documented.get(code)
    if (told === undefined) return [`${code}: missing on the page`]
    return told === status ? [] : [`${code}: the page says ${told}, the catalogue ${status}`]
  })
  const unknown = [...documented.keys()].filter((code) => code !== undefined && !(code in catalogue))
  return [...wrong, ...unknown.map((code) => `${code}: on the page only`)]
}

function isTestFile(path: string): boolean {
  return /^(test|bench)\/|\.test\.ts$|\/test-support(\.ts$|\/)/.test(path)
}

/** Static, side-effect and dynamic imports and re-exports of the repository's own files, resolved from the root. */
function findImports(file: SourceFile): Import[] {
  const pattern =
    /(?:^|\n)\s*(import|export)\s+(type\s+)?(\{[^}]*\}|[^'"\n]*?)\s*(?:from\s*)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g
  return [...file.text.matchAll(pattern)].flatMap((match) => {
    const specifier = match[4] ?? match[5] ?? ''
    const target = resolveImport(file.path, specifier)
    if (target === null) return []
    const line = file.text.slice(0, match.index + 1).split('\n').length
    return [{ from: file.path, line, target, typeOnly: isTypeOnly(match[2], match[3]) }]
  })
}

/** `import type …`, or a list in which every name says `type`. */
function isTypeOnly(keyword: string | undefined, clause: string | undefined): boolean {
  if (keyword) return true
  if (!clause?.startsWith('{')) return false
  const names = clause
    .slice(1, -1)
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return names.length > 0 && names.every((name) => name.startsWith('type '))
}

/** The path from the root, or null for a package that is not ours. */
function resolveImport(from: string, specifier: string): string | null {
  const workspace = /^@sallyport\/(\w+)$/.exec(specifier)?.[1]
  if (workspace) return `${workspace}/${workspace}.ts`
  if (!specifier.startsWith('.')) return null
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}

function judgeImport({ from, target, typeOnly }: Import): string | null {
  const [here = '', there = ''] = [roomOf(from), roomOf(target)]
  if (here === there) return null
  if (isTestFile(target)) return 'only tests import test support'
  if (target.startsWith('contract/')) {
    return target === 'contract/contract.ts' ? null : 'contract is entered by its door'
  }
  if (!from.startsWith('server/')) return `${here} may import contract only`
  if (there !== 'lib' && there !== 'main' && target !== `server/${there}/${there}.ts`) {
    return `${there} is entered by its door server/${there}/${there}.ts`
  }
  const arrows = arrowTable[here]
  if (arrows?.values.includes(there)) return null
  if (arrows?.types.includes(there)) return typeOnly ? null : `${here} may use ${there} as a type only`
  return `no arrow from ${here} to ${there}`
}

/** `server/<room>/…` → room, `server/main.ts` → main, another workspace → its name. */
function roomOf(path: string): string | undefined {
  const [workspace, second] = path.split('/')
  return workspace === 'server' ? second?.replace(/\.ts$/, '') : workspace
}
