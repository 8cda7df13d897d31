// Holds the pages to the program: every command and option that they show exists, every link leads somewhere, every provider is told as it is.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { runCommand } from '../server/cli/test-support.ts'
import { createCatalogue } from '../server/providers/catalogue.ts'
import { repository } from './support/gateway.ts'

const pages = ['README.md', ...globSync('docs/*.md', { cwd: repository })].map((path) => ({
  path,
  text: readFileSync(join(repository, path), 'utf8'),
}))

type NamedCommand = { group: string; verb: string | undefined; options: string[] }

/** `sallyport group verb … --option …`, in code, up to the end of the command. */
function findCommands(text: string): NamedCommand[] {
  const commands = [
    ...text.matchAll(/(?<![\w/@-])(?:\.\/)?sallyport ([a-z]+)(?: ([a-z][a-z-]+))?([^`\n|#]*)/g),
  ]
  return commands.map(([, group = '', verb, rest = '']) => ({
    ...{ group, verb },
    options: [...rest.matchAll(/(?<=\s)--[a-z-]+/g)].map(([option]) => option),
  }))
}

/** Null: the command line knows it. */
async function findProblem({ group, verb, options }: NamedCommand): Promise<string | null> {
  const isGroup = (await runCommand([group, '--help'])).stdout.includes(`sallyport ${group}`)
  if (!isGroup) return `no command ${group}`
  const words = verb === undefined ? [group] : [group, verb]
  const { stdout } = await runCommand([...words, '--help'])
  const isKnown = verb === undefined || stdout.startsWith(`Usage: sallyport ${group} ${verb} `)
  if (!isKnown) return `no command ${group} ${verb}`
  const missing = options.find((option) => !new RegExp(`${option}\\b`).test(stdout))
  return missing ? `${words.join(' ')} has no option ${missing}` : null
}

/** Headings as their anchors: lower case, dashes for spaces, nothing else but letters and digits. */
function findAnchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function findBrokenLinks({ path, text }: { path: string; text: string }): string[] {
  const links = [...text.matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)]
  return links.flatMap(([link, target = '', anchor]) => {
    const file = target === '' ? join(repository, path) : join(repository, dirname(path), target)
    if (!existsSync(file)) return [link]
    if (anchor === undefined) return []
    return findAnchors(readFileSync(file, 'utf8')).includes(anchor) ? [] : [link]
  })
}

describe('what the pages show can be done', () => {
  for (const page of pages) {
    test(`every command of ${page.path} exists, and every link leads somewhere`, async () => {
      const problems = await Promise.all(findCommands(page.text).map(findProblem))
      assert.deepEqual(
        problems.filter((problem) => problem !== null),
        [],
      )
      assert.deepEqual(findBrokenLinks(page), [])
    })
  }

  test('a command, a subcommand, an option and a link that do not exist are found', async () => {
    const text = '`sallyport tenants list` `sallyport keys forget 7` `./sallyport keys rotate 7 --now`'
    const found = await Promise.all(findCommands(text).map(findProblem))
    assert.deepEqual(found, [
      'no command tenants',
      'no command keys forget',
      'keys rotate has no option --now',
    ])
    const links = '[a](no-such-page.md) [b](operate.md#no-such-heading) [c](operate.md#backup)'
    assert.equal(findBrokenLinks({ path: 'docs/errors.md', text: links }).length, 2)
  })
})

test('docs/providers.md names every built-in provider with its address, its key slot and what the shared key opens', () => {
  const text = readFileSync(join(repository, 'docs/providers.md'), 'utf8')
  const builtIn = createCatalogue({ providers: {}, providerEnvironment: {} })
  for (const { name, baseUrl, keySlot, statelessRoutes } of builtIn.values()) {
    const rows = text.split('\n').filter((line) => line.startsWith(`| \`${name}\` |`))
    assert.equal(rows.length, 2, name)
    const [described = '', opened = ''] = rows
    assert.ok(described.includes(`\`${baseUrl}\``), described)
    assert.ok(described.toLowerCase().includes(keySlot.name), described)
    for (const { path } of statelessRoutes) {
      // Gemini's two versions and five methods are written once each.
      const shown = path.replace(/^\/v1\//, '/v1beta/').replace(/^.*(?=:)/, '')
      assert.ok(opened.includes(path) || (name === 'gemini' && opened.includes(shown)), `${name} ${path}`)
    }
  }
})

test('docs/operate.md says of every table how long its rows are kept', () => {
  const page = readFileSync(join(repository, 'docs/operate.md'), 'utf8')
  const section = page.split('## What is kept')[1]?.split('\n## ')[0] ?? ''
  const schemas = globSync('server/*/*-schema.ts', { cwd: repository })
  const tables = schemas.flatMap((path) => {
    const text = readFileSync(join(repository, path), 'utf8')
    return [...text.matchAll(/pgTable\(\s*'(\w+)'/g)].map(([, name = '']) => name)
  })
  assert.ok(tables.length > 20)
  const untold = tables.filter((name) => !section.includes(`\`${name}\``))
  assert.deepEqual(untold, [], 'give each a retention or a bound, and tell of it')
})

test('every variable of .env.client.example is explained to clients', () => {
  const page = readFileSync(join(repository, 'docs/for-clients.md'), 'utf8')
  const example = readFileSync(join(repository, '.env.client.example'), 'utf8')
  const names = [...example.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name = '']) => name)
  assert.ok(names.length > 2)
  for (const name of names) assert.ok(page.includes(name), name)
})
