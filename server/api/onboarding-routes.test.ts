// The onboarding over HTTP: six steps and their rules, two users apart, nothing left of a deleted one.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { openScope } from '../../test/support/scope.ts'
import { startScriptedProviders } from '../onboarding/test-support.ts'
import { type Answer, type CallOptions, listOperations, openUserTest, type UserTest } from './test-support.ts'

const path = '/api/onboarding'
const scope = openScope({ after })
let gateway: UserTest

before(async () => {
  const owner = { after: scope.defer }
  const { environment } = await startScriptedProviders(owner)
  gateway = await openUserTest(owner, { DEPLOY_ENV: 'test', ...environment })
  // Only then events go from the journal into the table.
  await gateway.store.startWork()
})

/** Calls as this user. */
async function enter(subject: string) {
  const token = await gateway.sign(subject)
  return (method: string, where: string, options: CallOptions = {}): Promise<Answer> =>
    gateway.call(method, where, { token, ...options })
}

test('the steps open in order, and the progress is the current step of six', async () => {
  const call = await enter('ann')
  const post = (what: string, body?: object) => call('POST', `${path}/${what}`, { ...(body ? { body } : {}) })
  const start = await call('GET', `${path}/status`)
  assert.equal(start.status, 200, start.text)
  assert.deepEqual(
    [start.json.user_id, start.json.current_step, start.json.is_completed, start.json.completed_at],
    ['ann', 1, false, null],
  )
  const early = await post('step/1/complete', { data: {} })
  assert.deepEqual([early.status, early.error?.code], [400, 'malformed_request'])
  assert.match(early.error?.details?.join() ?? '', /gemini key/)
  assert.equal((await post('api-keys', { provider: 'gemini', api_key: 'AIza-test-key-1234' })).status, 200)

  const locked = await post('step/3/complete')
  assert.equal(locked.status, 400)
  assert.deepEqual(locked.error?.details, [
    'Step 1 (AI LLM Providers) is to be completed first.',
    'Step 2 (Website Analysis) is to be completed first.',
  ])
  const skipped = await post('step/1/skip')
  assert.deepEqual([skipped.status, skipped.error?.details?.length], [400, 1])
  for (const number of [1, 2])
    assert.equal((await post(`step/${number}/complete`, { data: { n: number } })).status, 200)
  const third = await call('GET', `${path}/progress`)
  assert.deepEqual([third.json.current_step, third.json.progress], [3, 50])
  await post('step/3/complete')
  assert.equal((await post('complete')).status, 400)
  await post('step/4/skip')
  const sixth = await post('step/5/skip')
  assert.deepEqual([sixth.json.current_step, sixth.json.progress, sixth.json.is_completed], [6, 100, false])
  const { json } = await call('GET', `${path}/progress`)
  const states = (json.steps as { status: string }[]).map(({ status }) => status)
  assert.deepEqual(states, ['completed', 'completed', 'completed', 'skipped', 'skipped', 'in_progress'])
  const done = await post('complete')
  assert.deepEqual([done.status, done.json.is_completed, done.json.progress], [200, true, 100])
  assert.notEqual(done.json.completed_at, null)
  // An earlier step is completed anew without leading back to it.
  assert.equal((await post('step/2/complete', { data: { site: 'https://a.example' } })).json.current_step, 6)
  const second = await call('GET', `${path}/step/2`)
  assert.deepEqual([second.json.title, second.json.data], ['Website Analysis', { site: 'https://a.example' }])
  const again = await post('reset')
  assert.deepEqual(
    [again.json.current_step, again.json.is_completed, again.json.completed_at],
    [1, false, null],
  )
})

test('steps, skips and ends out of order say everything that is missing, and change nothing', async () => {
  const call = await enter('eve')
  const before = (await call('GET', `${path}/progress`)).text
  const first = 'Step 1 (AI LLM Providers) is to be completed first.'
  const refused: [what: string, reasons: string[]][] = [
    ['step/1/complete', ['A gemini key is to be saved first: POST /api/onboarding/api-keys.']],
    ['step/1/skip', ['Step 1 (AI LLM Providers) is required and cannot be skipped.']],
    ['step/2/complete', [first]],
    ['step/2/skip', [first, 'Step 2 (Website Analysis) is required and cannot be skipped.']],
    [
      'step/5/skip',
      [
        first,
        'Step 2 (Website Analysis) is to be completed first.',
        'Step 3 (AI Research) is to be completed first.',
        'Step 4 (Personalization) is to be completed or skipped first.',
      ],
    ],
    [
      'complete',
      [
        'Step 1 (AI LLM Providers) is not completed.',
        'Step 2 (Website Analysis) is not completed.',
        'Step 3 (AI Research) is not completed.',
        'Step 4 (Personalization) is neither completed nor skipped.',
        'Step 5 (Integrations) is neither completed nor skipped.',
        'A gemini key is to be saved first: POST /api/onboarding/api-keys.',
      ],
    ],
  ]
  for (const [what, reasons] of refused) {
    const answer = await call('POST', `${path}/${what}`)
    assert.deepEqual([answer.status, answer.error?.code], [400, 'malformed_request'], what)
    assert.deepEqual(answer.error?.details, reasons, what)
    assert.equal(answer.error?.message, reasons.join(' '))
  }
  assert.equal((await call('GET', `${path}/progress`)).text, before)
})

test('an unknown step is absent, and a step with a key in its data is refused', async () => {
  const call = await enter('ben')
  for (const step of ['0', '7', '01', 'x', '1.0', '-1', '99999999999']) {
    for (const [method, rest] of [
      ['GET', ''],
      ['POST', '/complete'],
      ['POST', '/skip'],
    ] as const) {
      const answer = await call(method, `${path}/step/${step}${rest}`)
      assert.deepEqual([answer.status, answer.error?.code], [404, 'not_found'], `${method} ${step}${rest}`)
    }
  }
  await call('POST', `${path}/api-keys`, {
    body: { provider: 'exa', api_key: 'my plain exa'.replaceAll(' ', '-') },
  })
  const gemini = 'AIza-not-shown-5678'
  await call('POST', `${path}/api-keys`, { body: { provider: 'gemini', api_key: gemini } })
  const deep = JSON.parse(`${'{"a":'.repeat(12)}1${'}'.repeat(12)}`) as object
  const refused: object[] = [
    { note: gemini },
    { note: `see ${gemini}!` },
    { [gemini]: 1 },
    { list: [{ text: 'my-plain-exa' }] },
    { api_key: 'whatever' },
    { openai: 'sk-0123456789abcdef0123' },
    { deep },
    { long: 'x'.repeat(20_000) },
  ]
  for (const data of refused) {
    const answer = await call('POST', `${path}/step/1/complete`, { body: { data } })
    assert.deepEqual([answer.status, answer.error?.code], [400, 'malformed_request'], JSON.stringify(data))
    assert.ok((answer.error?.details?.length ?? 0) > 0)
    assert.ok(!answer.text.includes(gemini), answer.text)
  }
  const fine = await call('POST', `${path}/step/1/complete`, {
    body: { data: { providers: ['gemini'], key: '****5678' } },
  })
  assert.equal(fine.status, 200, fine.text)
})

test('two users at once: neither reads, changes or counts what is the other’s, whatever names it sends', async () => {
  const [ada, bob] = [await enter('ada'), await enter('bob')]
  const keys = { gemini: 'AIza-own-key-of-ada-7777', exa: 'exa-own-key-of-ada-8888' }
  await ada('POST', `${path}/api-keys`, { body: { api_keys: keys } })
  await ada('POST', `${path}/step/1/complete`, { body: { data: { site: 'https://ada.example' } } })
  await ada('POST', '/api/blog/generate', { body: { topic: 'topic-of-ada' } })
  const looks = ['status', 'progress', 'step/1', 'api-keys'].map((name) => `${path}/${name}`)
  const state = async () => {
    const answers = await Promise.all(looks.map((where) => ada('GET', where)))
    return answers.map(({ text }) => text)
  }
  const before = await state()
  const id = await findUser('ada')

  const routes = (await listOperations(gateway.call)).filter((route) => route.path.startsWith('/api/'))
  assert.ok(routes.length > 20)
  const names = [
    {},
    { user_id: 'ada' },
    { client_id: String(id) },
    { subject: 'ada', external_id: String(id) },
  ]
  for (const route of routes) {
    const where = route.path.replace('{id}', String(id)).replace(/\{(provider|name)\}/, 'gemini')
    for (const name of names) {
      const query = new URLSearchParams({ ...name })
      const inQuery = `${where.replace('{n}', '1').replace('{number}', '2025-W40-001')}?${query}`
      const body = route.method === 'GET' || route.method === 'DELETE' ? {} : { body: name }
      const answer = await bob(route.method, inQuery, { ...body, headers: { 'x-user-id': 'ada' } })
      assert.doesNotMatch(answer.text, /7777|8888|ada\.example|"user_id":"ada"|topic-of-ada/, inQuery)
    }
  }
  assert.deepEqual(await state(), before)
  await gateway.store.journal.flushed()
  const [own, others] = await Promise.all([ada('GET', '/api/usage'), bob('GET', '/api/usage')])
  assert.deepEqual([own.json.total, others.json.total], [1, 0])
})

test('what a user saves and begins while its client is deleted is refused, and what was there goes along', async () => {
  const call = await enter('leaving')
  const save = (name: string, api_key: string) =>
    call('POST', `${path}/api-keys`, { body: { provider: name, api_key } })
  assert.equal((await save('gemini', 'AIza-in-time-0123')).status, 200)
  const id = await findUser('leaving')
  const gate = Promise.withResolvers<void>()
  const waiting = async (count: number) => {
    const { rows } = await gateway.database.query(
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    return rows.length === count
  }
  // The deletion has begun, and goes on only when the calls have come.
  const opened = gateway.database.transaction(async (tx) => {
    await tx.query('lock table provider_keys in share mode')
    await gate.promise
  })
  const deleted = gateway.admin('DELETE', `/clients/${id}?usage=drop`)
  await eventually('the deletion waiting', () => waiting(1))
  const late = [
    save('exa', 'exa-too-late-0123'),
    call('PUT', '/api/provider-keys/gemini', { body: { api_key: 'AIza-too-late-0123' } }),
    call('GET', `${path}/status`),
    call('POST', `${path}/reset`),
  ]
  await eventually('the calls waiting for the deletion', () => waiting(1 + late.length))
  gate.resolve()
  await opened
  assert.equal((await deleted).status, 200)
  for (const { status, error } of await Promise.all(late)) {
    assert.deepEqual([status, error?.code], [404, 'not_found'])
  }
  const { rows } = await gateway.database.query(
    `select client_id from provider_keys where client_id = $1
     union all select client_id from onboarding_sessions where client_id = $1`,
    [id],
  )
  assert.equal(rows.length, 0)
  assert.deepEqual((await call('GET', `${path}/api-keys`)).json, { api_keys: {} })
  assert.notEqual(await findUser('leaving'), id, 'a new client of the same user, without a key')
})

async function findUser(subject: string): Promise<number> {
  const { json } = await gateway.admin('GET', `/users?q=${subject}`)
  const [user] = json.items as { id: number }[]
  assert.ok(user)
  return user.id
}
