// Where users' keys come from, over HTTP: each mode as it is chosen, whom development mode serves, what it writes to disk.
import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startScriptedProviders } from '../onboarding/test-support.ts'
import { listOperations, openApiTest, openUserTest, type UserTest } from './test-support.ts'

const path = '/api/onboarding/api-keys'
const fileKey = 'AIza-key-in-the-file-0001'
const dotEnv = `# mine\nGEMINI_API_KEY=${fileKey}\nEXA_API_KEY='exa-key-in-the-file-0002' # paid\n`
const userKey = 'AIza-key-of-the-user-0003'

const modes: readonly (readonly [debug: string, deployEnv: string, mode: 'development' | 'production'])[] = [
  ['', '', 'development'],
  ['false', '', 'development'],
  ['true', '', 'development'],
  ['true', 'production', 'development'],
  ['', 'production', 'production'],
  ['false', 'production', 'production'],
]

test('each DEBUG with each DEPLOY_ENV serves in its mode', async (t) => {
  const upstream = await startScriptedProviders(t)
  await Promise.all(
    modes.map(async ([debug, deployEnv, mode]) => {
      const wishes = { ...(debug ? { DEBUG: debug } : {}), ...(deployEnv ? { DEPLOY_ENV: deployEnv } : {}) }
      const gateway = await openUserTest(t, { ...upstream.environment, ...wishes }, { dotEnv })
      await (mode === 'development' ? expectFileKeys : expectOwnKeys)(gateway)
    }),
  )
  const keys = new Set(upstream.calls.map(({ key }) => key))
  assert.deepEqual(keys, new Set([fileKey, userKey]), 'never one of the operator in production')
})

/** Whoever sits at the machine, with a token or without, is one user, whose keys are those of the file. */
async function expectFileKeys({ call, sign, admin, config, logLines }: UserTest): Promise<void> {
  const keys = { api_keys: { gemini: '****0001', exa: '****0002' } }
  assert.deepEqual((await call('GET', path)).json, keys)
  assert.deepEqual((await call('GET', path, { token: await sign('ada') })).json, keys)
  assert.equal((await call('POST', `${path}/gemini/validate`)).json.valid, true)
  assert.equal((await call('POST', path, { body: { provider: 'gemini', api_key: userKey } })).status, 200)
  assert.equal(await readFile(config.envFile, 'utf8'), dotEnv.replace(fileKey, userKey))
  assert.deepEqual(await subjects(admin), ['dev'])
  assert.match(logLines.join(''), /"\[DEV MODE\] Using \.env file"/)
  assert.ok(!logLines.join('').includes('[PROD MODE]'))
}

/** A user has what it saved, whatever the operator has in the environment and in `.env`. */
async function expectOwnKeys({ call, sign, admin, config, logLines }: UserTest): Promise<void> {
  const operator = (await admin('GET', '/providers')).json.items as {
    name: string
    shared_key: object | null
  }[]
  for (const name of ['gemini', 'exa']) {
    assert.ok(operator.find((each) => each.name === name)?.shared_key, 'the operator has a key from .env')
  }
  assert.equal((await call('GET', path)).error?.code, 'credential_missing')
  const token = await sign('ada')
  assert.deepEqual((await call('GET', path, { token })).json, { api_keys: {} })
  for (const [where, body] of [
    [`${path}/gemini/validate`, {}],
    [`${path}/exa/validate`, {}],
    ['/api/blog/generate', { topic: 'topic-x' }],
  ] as const) {
    const answer = await call('POST', where, { token, body })
    assert.deepEqual([answer.status, answer.error?.code], [400, 'provider_key_missing'], where)
  }
  const step = await call('POST', '/api/onboarding/step/1/complete', { token })
  assert.match(step.error?.details?.join() ?? '', /gemini key/)
  assert.equal(
    (await call('POST', path, { token, body: { provider: 'gemini', api_key: userKey } })).status,
    200,
  )
  assert.equal((await call('POST', `${path}/gemini/validate`, { token })).json.valid, true)
  assert.equal((await call('DELETE', `${path}/gemini`, { token })).status, 200)
  assert.equal(await readFile(config.envFile, 'utf8'), dotEnv, 'never written')
  assert.deepEqual(await subjects(admin), ['ada'])
  assert.match(logLines.join(''), /"\[PROD MODE\] Using database for user ada"/)
  assert.ok(!logLines.join('').includes('[DEV MODE]'))
}

async function subjects(admin: UserTest['admin']): Promise<string[]> {
  return ((await admin('GET', '/users')).json.items as { user_id: string }[]).map(({ user_id }) => user_id)
}

test('a save in development changes its lines of .env and frontend/.env and no others, all or none, for the owner’s eyes only', async (t) => {
  const { call, config, vault, admin } = await openApiTest(t, {}, { dotEnv })
  const frontendFolder = join(config.workingDir, 'frontend')
  const frontendFile = join(frontendFolder, '.env')
  const save = (api_keys: object) => call('POST', path, { body: { api_keys } })
  const file = () => readFile(config.envFile, 'utf8')
  const list = async () => (await call('GET', path)).json.api_keys

  assert.equal((await save({ copilotkit: 'ck_pub_one-00000004' })).status, 200)
  assert.equal(await file(), `${dotEnv}COPILOTKIT_API_KEY=ck_pub_one-00000004\n`)
  assert.ok(!(await readdir(config.workingDir)).includes('frontend'), 'no folder is made')

  await mkdir(frontendFolder)
  const frontendLines = '# React\nREACT_APP_COPILOTKIT_API_KEY="old" # see docs\nPORT=3000'
  await writeFile(frontendFile, frontendLines, { mode: 0o644 })
  assert.equal((await save({ gemini: 'AIza-second-00000005' })).status, 200)
  assert.equal(await readFile(frontendFile, 'utf8'), frontendLines, 'not its key')
  assert.equal((await save({ copilotkit: 'ck_pub_two-00000006' })).status, 200)
  assert.equal(await readFile(frontendFile, 'utf8'), frontendLines.replace('old', 'ck_pub_two-00000006'))
  for (const each of [config.envFile, frontendFile])
    assert.equal((await stat(each)).mode & 0o777, 0o600, each)
  assert.deepEqual(await readdir(frontendFolder), ['.env'])
  assert.ok((await readdir(config.workingDir)).every((name) => !name.endsWith('.tmp')))
  const [user] = (await admin('GET', '/users')).json.items as { id: number }[]
  const stored = async () => (await vault.list(user?.id ?? 0)).map(({ provider, last4 }) => [provider, last4])
  assert.deepEqual(await stored(), [
    ['copilotkit', '0006'],
    ['gemini', '0005'],
  ])

  const before = [await file(), await stored(), await list()]
  await rm(frontendFile)
  await mkdir(frontendFile)
  for (const refused of [
    { gemini: 'AIza-third-00000007', copilotkit: 'ck_pub_three-00000008' },
    { gemini: 'short' },
  ]) {
    const answer = await save(refused)
    assert.ok([400, 409].includes(answer.status), answer.text)
    assert.deepEqual([await file(), await stored(), await list()], before, 'nothing is half saved')
  }
  await rm(frontendFile, { recursive: true })
  await writeFile(frontendFile, frontendLines)
  assert.equal((await call('DELETE', `${path}/copilotkit`)).status, 200)
  assert.equal(await file(), dotEnv.replace(fileKey, 'AIza-second-00000005'))
  assert.equal(await readFile(frontendFile, 'utf8'), '# React\nPORT=3000')
  assert.deepEqual(await stored(), [['gemini', '0005']])
  assert.equal((await call('DELETE', `${path}/copilotkit`)).status, 404)
})

test('development serves nobody from elsewhere: every route for users answers 503, and others as in production', async (t) => {
  const upstream = await startScriptedProviders(t)
  const { call, caller, config, failures } = await openApiTest(t, upstream.environment, { dotEnv })
  const routes = (await listOperations(call)).filter(({ path }) => /^\/api\/(onboarding|blog)\//.test(path))
  assert.ok(routes.length >= 12, `${routes.length} routes`)
  const refuse = async (headers: Record<string, string>) => {
    for (const route of routes) {
      const where = route.path.replace('{provider}', 'gemini').replace('{n}', '1')
      const answer = await call(route.method, where, {
        headers,
        ...(route.method === 'POST' ? { body: bodyOf(route.path) } : {}),
      })
      const place = `${route.method} ${where} ${JSON.stringify(headers)}`
      assert.deepEqual([answer.status, answer.error?.code], [503, 'mode_not_chosen'], place)
      assert.match(failures().at(-1)?.detail ?? '', /^development mode: /)
    }
  }
  for (const peer of ['203.0.113.9', '192.168.1.20', '2001:db8::9']) {
    Object.assign(caller, { peer, address: peer })
    await refuse({})
    assert.equal((await call('GET', '/api/health')).status, 200)
  }
  Object.assign(caller, { peer: '127.0.0.1', address: '127.0.0.1' })
  for (const name of ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via', 'cf-connecting-ip']) {
    await refuse({ [name]: '127.0.0.1' })
  }
  await refuse({ origin: 'https://evil.example' })
  assert.equal(await readFile(config.envFile, 'utf8'), dotEnv)
  assert.deepEqual(upstream.calls, [])
  assert.equal((await call('GET', '/api/provider-keys')).error?.code, 'credential_missing')
  assert.equal((await call('GET', path)).status, 200)
})

function bodyOf(path: string): object {
  if (path === '/api/blog/generate') return { topic: 'x' }
  return path === '/api/onboarding/api-keys' ? { provider: 'gemini', api_key: userKey } : {}
}
