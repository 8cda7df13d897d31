// Tests of the intercept list and its CSV export.
import assert from 'node:assert/strict'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { InterceptItem } from '@sallyport/contract'
import { EngineAwayError } from '../store/store.ts'
import { openTestGateway } from './test-support.ts'

const path = '/admin/api/logs/export'
const header = 'id,token_display,client_ip,allowed_ips,method,path,reason,alerted,created_at,request_id\r\n'

function intercept(changes: Partial<InterceptItem> = {}): InterceptItem {
  return {
    id: '01890a5d-ac96-774b-bcce-b302099a8057',
    token_display: 'sk-abcd...wxyz',
    client_ip: '203.0.113.7',
    allowed_ips: ['10.0.0.1', '2001:db8::/64'],
    method: 'POST',
    path: '/v1/chat/completions',
    reason: 'ip_not_allowed',
    alerted: false,
    created_at: '2026-01-31T08:00:00.000Z',
    request_id: '01890a5d-ac96-774b-bcce-b302099a8058',
    count: 1,
    ...changes,
  }
}

/** Batches without end; counts what was taken and tells when it was closed. */
function endlessBatches() {
  const state = { taken: 0, closed: Promise.withResolvers<void>() }
  async function* batches(): AsyncGenerator<InterceptItem[]> {
    try {
      for (;;) {
        state.taken++
        yield Array.from({ length: 1000 }, () => intercept())
      }
    } finally {
      state.closed.resolve()
    }
  }
  return { state, batches }
}

test('the export is an attachment with a header row, and no cell can become a formula', async (t) => {
  const hostile = intercept({ token_display: '=HYPERLINK("x")', path: '@SUM(A1),2', allowed_ips: [] })
  const gateway = await openTestGateway(t, {
    bindings: {
      async *exportIntercepts() {
        yield [intercept(), hostile]
        yield [intercept({ alerted: true, reason: 'binding_banned' })]
      },
    },
  })
  const answer = await gateway.call('GET', path, { token: await gateway.signIn() })
  assert.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.match(
    answer.headers.get('content-disposition') ?? '',
    /^attachment; filename="intercepts-\d{4}-\d\d-\d\d\.csv"$/,
  )
  const lines = answer.text.split('\r\n')
  assert.equal(`${lines[0]}\r\n`, header)
  assert.equal(
    lines[1],
    '01890a5d-ac96-774b-bcce-b302099a8057,sk-abcd...wxyz,203.0.113.7,10.0.0.1 2001:db8::/64,POST,' +
      '/v1/chat/completions,ip_not_allowed,false,2026-01-31T08:00:00.000Z,01890a5d-ac96-774b-bcce-b302099a8058',
  )
  assert.match(lines[2] ?? '', /,"'=HYPERLINK\(""x""\)",203.0.113.7,,POST,"'@SUM\(A1\),2",/)
  assert.match(lines[3] ?? '', /,binding_banned,true,/)
  assert.equal(lines.length, 5)
})

test('nothing to export is a header row, and the filters of the list hold for the export', async (t) => {
  const gateway = await openTestGateway(t)
  const token = await gateway.signIn()
  assert.equal((await gateway.call('GET', path, { token })).text, header)
  const row = intercept()
  await gateway.database.query(
    `insert into intercepts (id, token_display, client_ip, allowed_ips, method, path, reason, alerted, created_at, request_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      row.id,
      row.token_display,
      row.client_ip,
      row.allowed_ips,
      row.method,
      row.path,
      row.reason,
      row.alerted,
      row.created_at,
      row.request_id,
    ],
  )
  const table: [query: string, isFound: boolean][] = [
    ['', true],
    ['?q=sk-abcd', true],
    ['?q=sk-%25', false],
    ['?ip=203.0.113.0/24', true],
    ['?ip=203.0.114.0/24', false],
    ['?from=2026-01-31&to=2026-01-31', true],
    ['?from=2026-02-01', false],
    ['?to=2026-01-31T08:00:00Z', false],
  ]
  for (const [query, isFound] of table) {
    const list = await gateway.call('GET', `/admin/api/logs${query}`, { token })
    assert.deepEqual(list.json.items, isFound ? [row] : [], query)
    const file = await gateway.call('GET', `${path}${query}`, { token })
    assert.equal(file.text.includes(row.id), isFound, query)
  }
})

test('a reader that takes nothing more stops the source, and one that leaves closes it', async (t) => {
  const { state, batches } = endlessBatches()
  const gateway = await openTestGateway(t, { bindings: { exportIntercepts: batches } })
  const headers = { authorization: `Bearer ${await gateway.signIn()}` }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get(`${gateway.url}${path}`, { headers }, resolve).on('error', reject)
  })
  response.pause()
  // The source stands still once the buffers of both sockets are full: a thousand turns in which nothing is taken.
  let taken = -1
  while (taken !== state.taken) {
    taken = state.taken
    for (let turn = 0; turn < 1000; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(taken < 200, `${taken} batches were taken for a reader that reads nothing`)
  response.destroy()
  await state.closed.promise
})

test('an export that fails before its first row is an error, one that fails later is cut off', async (t) => {
  let rowsFirst = false
  const gateway = await openTestGateway(t, {
    bindings: {
      async *exportIntercepts() {
        if (rowsFirst) yield [intercept()]
        throw new EngineAwayError('database')
      },
    },
  })
  const token = await gateway.signIn()
  const early = await gateway.call('GET', path, { token })
  assert.deepEqual([early.status, early.error?.code], [503, 'database_unavailable'])
  assert.equal(early.headers.get('content-disposition'), null)
  rowsFirst = true
  await assert.rejects(gateway.call('GET', path, { token }))
})
