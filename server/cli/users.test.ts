// Tests of `sallyport users …` against a real HTTP server with prepared answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorAnswer, runCommand, signedIn, startGatewayStandIn } from './test-support.ts'

const ada = {
  id: 5,
  user_id: 'user_2abc',
  issuer: 'https://issuer.example',
  name: 'Ada',
  email: null,
  status: 'active',
  shared_keys: false,
  providers: ['exa', 'gemini'],
  onboarding: {
    ...{ current_step: 3, progress: 50, is_completed: false },
    ...{ started_at: '2026-11-20T08:01:00.000Z', completed_at: null },
  },
  created_at: '2026-11-20T08:00:00.000Z',
  last_seen_at: '2026-11-20T11:30:00.000Z',
}
const pageOf = (...items: object[]) => ({
  ...{ items, total: items.length, page: 1, page_size: 20 },
  key_mode: 'production',
})

test('list shows users with the providers of their keys and their onboarding, and asks for what it was told', async (t) => {
  const gateway = await startGatewayStandIn(t, { 'GET /admin/api/users': { body: pageOf(ada) } })
  const args = ['users', 'list', '--q', 'ad', '--status', 'active', '--url', gateway.url]
  const result = await runCommand(args, { env: signedIn })
  assert.equal(result.stderr, '')
  assert.match(
    result.stdout,
    /^ 5 {2}user_2abc {2}Ada {3}- +active {2}exa, gemini {2}step 3 of 6, 50\.0 % {2}no .* 2026-11-20 11:30:00Z$/m,
  )
  assert.doesNotMatch(result.stdout, /Development mode/)
  assert.match(gateway.received[1]?.url ?? '', /\?q=ad&status=active$/)
  const json = await runCommand([...args, '--json'], { env: signedIn })
  assert.deepEqual(JSON.parse(json.stdout), pageOf(ada))
})

test('an onboarding that is not begun, one that is complete, and development mode are told', async (t) => {
  const completed_at = '2026-11-20T08:09:00.000Z'
  const onboarding = { ...ada.onboarding, current_step: 6, progress: 100, is_completed: true, completed_at }
  const page = pageOf({ ...ada, onboarding }, { ...ada, id: 6, onboarding: null })
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/users': { body: { ...page, key_mode: 'development' } },
    'GET /admin/api/users/5': { body: { ...ada, onboarding } },
  })
  const list = await runCommand(['users', 'list', '--url', gateway.url], { env: signedIn })
  assert.match(list.stdout, / completed .*\n.* not begun /)
  assert.match(list.stdout, /Development mode/)
  const show = await runCommand(['users', 'show', '5', '--url', gateway.url], { env: signedIn })
  assert.match(show.stdout, /begun 2026-11-20 08:01:00Z, completed 2026-11-20 08:09:00Z/)
})

test('show takes the id of the client or the user id', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/users': { body: pageOf({ ...ada, id: 6, user_id: 'user_2abcd' }, ada) },
    'GET /admin/api/users/5': { body: ada },
  })
  for (const reference of ['5', 'user_2abc']) {
    const result = await runCommand(['users', 'show', reference, '--url', gateway.url], { env: signedIn })
    assert.equal(result.exitCode, 0, result.stderr)
    assert.match(result.stdout, /Issuer: https:\/\/issuer\.example/)
  }
  const unknown = await runCommand(['users', 'show', 'user_2', '--url', gateway.url], { env: signedIn })
  assert.notEqual(unknown.exitCode, 0)
  assert.match(unknown.stderr, /there is no user "user_2"/)
})

test('an empty list says how users come, and a refusal of the gateway ends with one line', async (t) => {
  const gateway = await startGatewayStandIn(t, {
    'GET /admin/api/users': { body: pageOf() },
    'GET /admin/api/users/7': errorAnswer(404, 'not_found', 'There is no end user with the id 7.'),
  })
  const list = await runCommand(['users', 'list', '--url', gateway.url], { env: signedIn })
  assert.match(list.stdout, /No users yet.*OIDC_ISSUER/)
  const show = await runCommand(['users', 'show', '7', '--url', gateway.url], { env: signedIn })
  assert.notEqual(show.exitCode, 0)
  assert.equal(show.stderr.trim().split('\n').length, 1)
})
