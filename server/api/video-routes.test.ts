// Frames over HTTP: what is answered, what is kept and paid for, and that nothing bad harms a buffer or shows another client's.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { CameraItem } from '@sallyport/contract'
import { request } from 'undici'
import { eventually } from '../../test/support/eventually.ts'
import { makeJpeg } from '../video/test-support.ts'
import { type Answer, type ApiTest, openApiTest, withoutRequestId } from './test-support.ts'

const path = '/api/video/buffer'
const mebibyte = 1024 * 1024
const picture = makeJpeg({ mark: 'one' })
const data = picture.toString('base64')

async function openVideo(test: TestContext, file: object = {}) {
  const gateway = await openApiTest(test, {}, { file })
  const client = await gateway.makeClient('Acme')
  const send = (body: unknown, token = client.apiKey) => gateway.call('POST', path, { token, body })
  const sendBatch = (body: unknown, token = client.apiKey) =>
    gateway.call('POST', `${path}/batch`, { token, body })
  const kept = (cameraId = 'default', clientId = client.id) =>
    gateway.video.frames.all({ clientId, cameraId }).map(({ jpeg }) => jpeg)
  return { gateway, client, send, sendBatch, kept }
}

/** A request with headers of its own and a body as it is, or in pieces of unknown number. */
async function sendAs(url: string, headers: Record<string, string>, body: Buffer | Readable) {
  const answer = await request(`${url}${path}?camera_id=door`, { method: 'POST', headers, body })
  const json = (await answer.body.json()) as { error?: { code: string; message: string } }
  return { status: answer.statusCode, code: json.error?.code, message: json.error?.message ?? '' }
}

const sendRaw = (gateway: ApiTest, token: string, jpeg: Buffer, query = '') =>
  fetch(`${gateway.url}${path}${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'image/jpeg' },
    body: new Uint8Array(jpeg),
  }).then(async (response) => ({ status: response.status, json: (await response.json()) as Answer['json'] }))

test('a frame is kept as it came, by JSON and raw, and each call is one event of the intake', async (t) => {
  const { gateway, client, send, kept } = await openVideo(t)
  const first = await send({ frame_data: data, frame_count: 1 })
  assert.deepEqual([first.status, first.json], [200, { status: 'buffered', frame_count: 1, buffer_size: 1 }])
  const second = makeJpeg({ mark: 'two', bytes: 70_000 })
  const raw = await sendRaw(gateway, client.apiKey, second, '?frame_count=2')
  assert.deepEqual([raw.status, raw.json], [200, { status: 'buffered', frame_count: 2, buffer_size: 2 }])
  const third = await send({ frame_data: data })
  assert.deepEqual(third.json, { status: 'buffered', frame_count: 3, buffer_size: 3 })
  assert.deepEqual(kept(), [picture, second, picture])
  assert.deepEqual(
    gateway.metered.map(({ clientId, target, outcome }) => [clientId, target.endpoint, outcome.status]),
    [1, 2, 3].map(() => [client.id, path, 200]),
  )
  assert.deepEqual(gateway.metered[1]?.outcome.bytesIn, 70_000)
})

test('a batch is one call: all of it is kept, or none', async (t) => {
  const { gateway, sendBatch, kept } = await openVideo(t)
  const pictures = ['a', 'b', 'c'].map((mark) => makeJpeg({ mark, bytes: 3000 }))
  const frames = pictures.map((jpeg, index) => ({
    frame_data: jpeg.toString('base64'),
    frame_count: 10 + index,
  }))
  const answer = await sendBatch({ camera_id: 'door', frames })
  assert.deepEqual(
    [answer.status, answer.json],
    [200, { status: 'buffered', frames_added: 3, buffer_size: 3 }],
  )
  assert.deepEqual(kept('door'), pictures)
  assert.equal(gateway.metered.length, 1)
  const broken: [frames: unknown, says: RegExp][] = [
    [[...frames, { frame_data: 'AAAA' }], /^frames\.3\.frame_data: is not a JPEG/],
    [[...frames, { frame_data: 'not base64' }], /^frames\.3\.frame_data: is not base64/],
    [[...frames, { frame_count: 9 }], /^frames\.3\.frame_data: is missing/],
    [[20, 19].map((frame_count) => ({ frame_data: data, frame_count })), /^frames\.1\.frame_count: is below/],
    [[], /^frames: must have 1/],
    [Array.from({ length: 251 }, () => ({ frame_data: data })), /^frames: must have 250 entries at most/],
    [{}, /^frames: must be a list/],
  ]
  for (const [list, says] of broken) {
    const refused = await sendBatch({ camera_id: 'door', frames: list })
    assert.equal(refused.status, 400)
    assert.match(refused.error?.message ?? '', says)
  }
  assert.deepEqual(kept('door'), pictures)
})

test('bad frames get a clear 400 or 413, and the buffer is unharmed', async (t) => {
  const { gateway, client, send, kept } = await openVideo(t)
  await send({ frame_data: data, frame_count: 5, timestamp: new Date(gateway.clock.now()).toISOString() })
  const half = makeJpeg({ bytes: 4000 }).subarray(0, 3000)
  const cases: [body: unknown, says: RegExp, status?: number][] = [
    [{ frame_data: 'no base64!' }, /^frame_data: is not base64/],
    [{ frame_data: `${data.slice(0, -1)}` }, /^frame_data: is not base64/],
    [{ frame_data: `data:image/jpeg;base64,${data}` }, /^frame_data: is not base64/],
    [{ frame_data: `${data}====` }, /^frame_data: is not base64/],
    [{ frame_data: data.replace(/.{8}$/, '-_-_-_-_') }, /^frame_data: is not base64/],
    [{ frame_data: `${data.slice(0, 8)}\n${data.slice(8)}` }, /^frame_data: is not base64/],
    [{ frame_data: '' }, /^frame_data: is not base64/],
    [{ frame_data: Buffer.from('GIF89a, no JPEG').toString('base64') }, /^frame_data: is not a JPEG\./],
    [{ frame_data: Buffer.from([0xff, 0xd8, 0xff, 0xd9]).toString('base64') }, /tells its width/],
    [{ frame_data: half.toString('base64') }, /^frame_data: is a JPEG that was cut off/],
    [{ frame_data: makeJpeg({ width: 0 }).toString('base64') }, /tells its width/],
    [{ frame_data: makeJpeg({ width: 65_535, height: 65_535 }).toString('base64') }, /more than 8K/],
    [
      { frame_data: makeJpeg({ bytes: 5 * mebibyte + 1 }).toString('base64') },
      /^frame_data: is larger than 5242880/,
      413,
    ],
    [{ frame_data: makeJpeg({ bytes: 6 * mebibyte }).toString('base64') }, /^The body is larger/, 413],
    [{ frame_data: 7 }, /^frame_data: must be a text/],
    [{ frame_data: null }, /^frame_data: must be a text/],
    [{}, /^frame_data: is missing/],
    [[], /^body: must be a JSON object/],
    ['', /^body: is empty/],
    ['{"frame_data": "', /^body: is not valid JSON/],
    [`{"frame_data": "${data}"`, /^body: is not valid JSON/],
    [{ frame_data: data, frame: 1 }, /unknown field "frame"/],
    [`{"frame_data":"${data}","__proto__":{}}`, /unknown field "__proto__"/],
    [{ frame_data: data, camera_id: 'a/b' }, /^camera_id: must be 1 to 64/],
    [{ frame_data: data, camera_id: 'x'.repeat(65) }, /^camera_id: must be 1 to 64/],
    [{ frame_data: data, camera_id: '' }, /^camera_id: must be 1 to 64/],
    [{ frame_data: data, frame_count: -1 }, /^frame_count: /],
    [{ frame_data: data, frame_count: 4 }, /^frame_count: is below/],
    [{ frame_data: data, timestamp: 'yesterday' }, /^timestamp: must be a time/],
    [{ frame_data: data, timestamp: '2027-01-31T08:00:00' }, /^timestamp: must be a time/],
    [{ frame_data: data, timestamp: (gateway.clock.now() - 1000) / 1000 }, /^timestamp: is before/],
    [{ frame_data: data, timestamp: gateway.clock.now() + 3_600_000 }, /^timestamp: lies in the future/],
  ]
  for (const [body, says, status = 400] of cases) {
    const answer = await send(body)
    assert.equal(answer.status, status, `${says} ${answer.text}`)
    assert.match(answer.error?.message ?? '', says)
  }
  const noJpeg = await sendRaw(gateway, client.apiKey, Buffer.from('no JPEG'))
  assert.deepEqual(
    [noJpeg.status, (noJpeg.json.error as Answer['error'])?.message],
    [400, 'frame_data: is not a JPEG.'],
  )
  const large = await sendRaw(gateway, client.apiKey, makeJpeg({ bytes: 5 * mebibyte + 1 }))
  assert.equal(large.status, 413)
  for (const query of [
    '?camera=x',
    '?frame_count=1e3',
    '?timestamp=never',
    '?camera_id=a%2Fb',
    '?camera_id=a&camera_id=b',
  ]) {
    assert.equal((await sendRaw(gateway, client.apiKey, picture, query)).status, 400, query)
  }
  assert.deepEqual(kept(), [picture])
  assert.equal((await gateway.call('GET', '/api/cameras', { token: client.apiKey })).json.total, 1)
})

test('a frame of exactly 5 MB passes, as JSON and raw', async (t) => {
  const { gateway, client, send, kept } = await openVideo(t)
  const largest = makeJpeg({ bytes: 5 * mebibyte })
  assert.equal((await send({ frame_data: largest.toString('base64') })).status, 200)
  assert.equal((await sendRaw(gateway, client.apiKey, largest)).status, 200)
  assert.deepEqual(kept(), [largest, largest])
})

test('a frame is taken as what its headers say it is, and nothing is unpacked', async (t) => {
  const { gateway, client, kept } = await openVideo(t)
  const authorization = `Bearer ${client.apiKey}`
  const send = (headers: Record<string, string>, body: Buffer | Readable) =>
    sendAs(gateway.url, { authorization, ...headers }, body)
  const jpeg = { 'content-type': 'image/jpeg' }
  for (const type of ['image/jpeg', 'IMAGE/JPEG', 'image/jpeg; q=1']) {
    assert.equal((await send({ 'content-type': type }, picture)).status, 200, type)
  }
  assert.equal((await send(jpeg, Readable.from([picture.subarray(0, 9), picture.subarray(9)]))).status, 200)
  assert.deepEqual(kept('door'), [picture, picture, picture, picture])
  for (const type of ['image/png', 'image/jpg', 'text/plain', 'multipart/form-data; boundary=x']) {
    const answer = await send({ 'content-type': type }, picture)
    assert.deepEqual([answer.status, answer.code], [415, 'unsupported_media_type'], type)
    assert.match(answer.message, /image\/jpeg/)
  }
  const bomb = gzipSync(Buffer.alloc(64 * mebibyte))
  for (const coding of ['gzip', 'br', 'GZIP, identity']) {
    for (const type of ['image/jpeg', 'application/json']) {
      const answer = await send({ 'content-type': type, 'content-encoding': coding }, bomb)
      assert.deepEqual([answer.status, answer.code], [415, 'unsupported_media_type'], coding)
      assert.match(answer.message, /Content-Encoding/)
    }
  }
  // It stops one byte past the limit and does not end: who goes on sending may meet the closed connection before the answer.
  const endless = new Readable({ read: () => undefined })
  for (let count = 0; count < 5; count++) endless.push(Buffer.alloc(mebibyte, 0x55))
  endless.push(Buffer.alloc(1, 0x55))
  assert.equal((await send(jpeg, endless)).status, 413)
  assert.equal(kept('door').length, 4)
})

test('the description of the intake has both kinds of body', async (t) => {
  const { gateway } = await openVideo(t)
  const { paths } = (await gateway.call('GET', '/docs/json')).json as {
    paths: Record<
      string,
      { post: { requestBody: { content: Record<string, { schema: { type: string } }> } } }
    >
  }
  const { content } = paths[path]?.post.requestBody ?? assert.fail()
  assert.deepEqual(
    Object.entries(content).map(([type, { schema }]) => [type, schema.type]),
    [
      ['application/json', 'object'],
      ['image/jpeg', 'string'],
    ],
  )
})

test('pictures count for their client until they are in a buffer, and those that are refused no longer', async (t) => {
  const bodies = { bodies_bytes_per_client_max: 150_000, bodies_bytes_max: 350_000 }
  const { gateway, client, kept } = await openVideo(t, { limits: { video: bodies } })
  const other = await gateway.makeClient('Other')
  const third = await gateway.makeClient('Third')
  const large = makeJpeg({ bytes: 100_000 })
  const post = ({ apiKey }: { apiKey: string }, query = '') => sendRaw(gateway, apiKey, large, query)
  for (let turn = 0; turn < 4; turn++) assert.equal((await post(client, '?frame_count=x')).status, 400)
  // The cameras are new, and their clients' rows are held: their frames wait. A third one would leave less than it takes.
  const waiting = await gateway.database.transaction(async (tx) => {
    await tx.query('select 1 from clients where id = any($1) for update', [[client.id, other.id]])
    const sent = [post(client), post(other)]
    await eventually('two frames on their way', () => kept().length + kept('default', other.id).length === 2)
    const refused = await Promise.all([post(client), post(third)])
    assert.deepEqual(
      refused.map(({ status }) => status),
      [429, 503],
    )
    return { sent }
  })
  const answered = await Promise.all(waiting.sent)
  assert.deepEqual(
    answered.map(({ status }) => status),
    [200, 200],
  )
  assert.deepEqual([(await post(client)).status, (await post(third)).status], [200, 200])
})

test('any JSON spelling of the same order is read alike', async (t) => {
  const { send, kept } = await openVideo(t)
  const bodies = [
    `{ "frame_data" :\n"${data}" }`,
    `{"camera_id":"default","frame_data":"${data}"}`,
    `{"frame_data":"${data.replaceAll('/', '\\/')}"}`,
    `{"frame_data":"${data.replace('/', '\\u002f')}"}`,
    `{"frame\\u005fdata":"${data}"}`,
    `{"frame_data":"AAAA","frame_data":"${data}"}`,
  ]
  for (const body of bodies) assert.equal((await send(body)).status, 200, body)
  assert.deepEqual(
    kept(),
    bodies.map(() => picture),
  )
})

test('a picture that looks like the stand-in of another is not taken for it', async (t) => {
  const { send } = await openVideo(t)
  for (const text of ['0', ':0', '@0']) {
    assert.equal((await send(`{"frame_data":"${data}","frame\\u005fdata":"${text}"}`)).status, 400)
  }
})

test('two clients with cameras of one name see and count only their own', async (t) => {
  const { gateway, client, send, kept } = await openVideo(t)
  const other = await gateway.makeClient('Other')
  await send({ frame_data: data, camera_id: 'door' })
  await send({ frame_data: data, camera_id: 'door' })
  const foreign = makeJpeg({ mark: 'foreign' })
  const answer = await send({ frame_data: foreign.toString('base64'), camera_id: 'door' }, other.apiKey)
  assert.deepEqual(answer.json, { status: 'buffered', frame_count: 1, buffer_size: 1 })
  assert.deepEqual(kept('door'), [picture, picture])
  assert.deepEqual(kept('door', other.id), [foreign])
  const list = await gateway.call('GET', '/api/cameras', { token: other.apiKey })
  const [camera] = list.json.items as { client_id: number; buffer: { frames: number; bytes: number } }[]
  assert.equal(list.json.total, 1)
  assert.deepEqual(
    [camera?.client_id, camera?.buffer.frames, camera?.buffer.bytes],
    [other.id, 1, foreign.length],
  )
  await gateway.admin('DELETE', `/clients/${other.id}`)
  assert.deepEqual(kept('door', other.id), [])
  assert.equal(kept('door').length, 2)
  const rows = await gateway.database.query('select client_id from cameras')
  assert.deepEqual(rows.rows, [{ client_id: client.id }])
})

test('without a good key, with a device token, or with a key for something else no frame is taken', async (t) => {
  const { gateway, client, send, kept } = await openVideo(t)
  const elsewhere = await gateway.makeKey(client.id, { scopes: ['usage'] })
  const allowed = await gateway.makeKey(client.id, { scopes: ['video'] })
  const deviceToken = await gateway.authenticate(await gateway.makeDevice(client.id, 'pi_1'))
  const none = await gateway.call('POST', path, { body: { frame_data: data } })
  assert.deepEqual([none.status, none.error?.code], [401, 'credential_missing'])
  for (const token of ['sp_wrong', deviceToken]) {
    const answer = await send({ frame_data: data }, token)
    assert.deepEqual([answer.status, answer.error?.code], [401, 'invalid_credential'])
  }
  const refused = await send({ frame_data: data }, elsewhere.apiKey)
  assert.deepEqual([refused.status, refused.error?.code], [403, 'scope_missing'])
  assert.equal((await gateway.call('GET', '/api/cameras', { token: elsewhere.apiKey })).status, 403)
  assert.equal((await send({ frame_data: data }, allowed.apiKey)).status, 200)
  assert.equal(kept().length, 1)
  assert.equal(gateway.metered.length, 1)
})

test('a client’s own buffer lengths win, and its 65th camera is refused without leaving a frame', async (t) => {
  const { gateway, client, send, kept } = await openVideo(t)
  const settings = { video: { analysis_fps: 2, long_buffer_duration: 2 } }
  assert.equal((await gateway.admin('PATCH', `/clients/${client.id}`, { settings })).status, 200)
  for (let index = 0; index < 6; index++) await send({ frame_data: data })
  assert.equal(kept().length, 4)
  for (let index = 1; index < 64; index++) {
    assert.equal((await send({ frame_data: data, camera_id: `camera${index}` })).status, 200)
  }
  const refused = await send({ frame_data: data, camera_id: 'one_more' })
  assert.deepEqual([refused.status, refused.error?.code], [409, 'conflict'])
  assert.deepEqual(kept('one_more'), [])
  assert.equal((await send({ frame_data: data })).status, 200)
})

test('a refused call is written down too, at its status', async (t) => {
  const { gateway, send } = await openVideo(t)
  const refused = await send({ frame_data: 'AAAA' })
  const event = gateway.metered[0]
  assert.deepEqual([refused.status, event?.outcome.status, event?.outcome.flags], [400, 400, []])
  assert.equal(refused.error?.request_id, event?.requestId)
})

test('an absent path and another client’s camera look alike', async (t) => {
  const { gateway, client } = await openVideo(t)
  const other = await gateway.makeClient('Other')
  const mine = await gateway.call('GET', '/api/cameras', { token: client.apiKey })
  const theirs = await gateway.call('GET', '/api/cameras', { token: other.apiKey })
  assert.equal(withoutRequestId(mine), withoutRequestId(theirs))
})

test('the admin sees counts and bytes of every client, filtered when asked, and never a frame', async (t) => {
  const { gateway, client, send } = await openVideo(t)
  const other = await gateway.makeClient('Other')
  const now = gateway.clock.now()
  for (const timestamp of [now - 120, now - 80, now - 40, now]) {
    assert.equal((await send({ frame_data: data, camera_id: 'door', timestamp })).status, 200)
  }
  await send({ frame_data: data }, other.apiKey)
  const all = await gateway.admin('GET', '/cameras')
  assert.equal(all.json.total, 2)
  assert.deepEqual(all.json.memory, {
    ...{ clients: 2, frames: 5, bytes: 5 * picture.length },
    bytes_max: gateway.config.limits.video.buffer_bytes_max,
  })
  assert.ok(!all.text.includes(data))
  const own = await gateway.admin('GET', `/cameras?client_id=${client.id}`)
  const [camera] = own.json.items as CameraItem[]
  assert.equal(own.json.total, 1)
  assert.equal(camera?.camera_id, 'door')
  assert.deepEqual(camera?.buffer, {
    ...{ frames: 4, bytes: 4 * picture.length, frames_per_second: 25, idle_seconds: 0 },
    ...{ oldest_at: new Date(now - 120).toISOString(), newest_at: new Date(now).toISOString() },
  })
  gateway.clock.advance(42_500)
  const later = await gateway.admin('GET', '/cameras')
  const [alone] = (later.json.items as CameraItem[]).filter(({ camera_id: id }) => id === 'default')
  assert.deepEqual([alone?.buffer?.frames_per_second, alone?.buffer?.idle_seconds], [null, 42])
  assert.equal((await gateway.admin('GET', '/cameras?client_id=0')).status, 400)
  const asClient = await gateway.call('GET', '/admin/api/cameras', { token: client.apiKey })
  assert.equal(asClient.status, 401)
})
