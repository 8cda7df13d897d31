// Alerts over a real database, job queue, SMTP server and ffmpeg: mailed once with what was seen, whoever is away meanwhile.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { AppError, type ClientSettings } from '@sallyport/contract'
import { eventually } from '../../test/support/eventually.ts'
import { type MailServer, startMailServer } from '../../test/support/mail-server.ts'
import { needs } from '../../test/support/needs.ts'
import { loadConfig } from '../config/config.ts'
import { type Clock, systemClock as clock, createManualClock } from '../lib/clock.ts'
import { createNotify } from '../notify/notify.ts'
import { createTestStore, silentLogger as logger, type TestStore } from '../store/test-support.ts'
import { createVideo, type Video } from './video.ts'

type Room = {
  store: TestStore
  video: Video
  /** Does now what a schedule would do later. */
  runJob(name: string): Promise<void>
  close(): Promise<void>
}
type OpenOptions = { env?: Record<string, string>; store?: TestStore; works?: boolean; clock?: Clock }

/** The rooms of one process; with `store` a second one beside another. */
async function open(t: TestContext, mail: string, options: OpenOptions = {}): Promise<Room> {
  const workingDir = mkdtempSync(join(tmpdir(), 'sp-alerts-'))
  t.after(() => rmSync(workingDir, { recursive: true }))
  const env = {
    ...(mail ? { SMTP_URL: mail, MAIL_FROM: 'gateway@example.com' } : {}),
    ...options.env,
  }
  const config = loadConfig({ env, workingDir, createSecrets: false })
  const store = options.store ?? (await createTestStore({ kind: 'dsn', redis: false }))
  const notify = await createNotify({
    ...{ config, store, clock, logger },
    settings: () => ({ alert_webhook_url: null }),
  })
  const { database } = store
  const scheduled = new Map<string, () => Promise<void>>()
  const video = await createVideo({
    ...{ config, outbox: notify, database, clock: options.clock ?? clock, logger },
    jobs: { schedule: async (name, _cron, work) => void scheduled.set(name, work) },
    findModelAccess: async () => null,
  })
  if (options.works !== false) await store.startWork()
  let closing: Promise<void> | null = null
  const close = () => {
    closing ??= video.close().then(notify.close).then(store.close)
    return closing
  }
  t.after(close)
  const runJob = async (name: string) => scheduled.get(name)?.() ?? assert.fail(name)
  return { store, video, runJob, close }
}

async function addClient({ store }: Room, name: string, email: string | null): Promise<number> {
  const { rows } = await store.database.query<{ id: number }>(
    `insert into clients (external_id, name, email, status) values ($1, $2, $3, 'active') returning id`,
    [name.toLowerCase(), name, email],
  )
  return rows[0]?.id ?? 0
}

const finding = {
  cameraId: 'door',
  analysis: 'A man breaks the lock <b>now</b>.\nHe has a crowbar.',
  riskLevel: 'HIGH' as const,
  incidentType: 'burglary\r\nBcc: everyone@example.com',
}
const raise = (room: Room, clientId: number, settings: ClientSettings = {}, cameraId = 'door') =>
  room.video.alerts.raise({ ...finding, clientId, settings, cameraId })

async function raised(room: Room, clientId: number, settings: ClientSettings = {}, cameraId = 'door') {
  const answer = await raise(room, clientId, settings, cameraId)
  assert.ok(!(answer instanceof AppError), String(answer))
  return answer
}

const list = async (room: Room, clientId: number) =>
  (await room.video.alerts.list({ client_id: clientId, page: 1, page_size: 20 })).items

function paint(count: number): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), 'sp-frames-'))
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=160x120:rate=25', '-frames:v', String(count)]
  execFileSync('ffmpeg', ['-loglevel', 'error', ...source, join(folder, '%04d.jpg')])
  const pictures = readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)))
  rmSync(folder, { recursive: true })
  return pictures
}

/** Fills the buffer of a camera with pictures 40 ms apart that end about now. */
function show({ video }: Room, clientId: number, pictures: readonly Buffer[], cameraId = 'door'): void {
  const newestMs = video.frames.all({ clientId, cameraId }).at(-1)?.timestampMs ?? 0
  const startMs = Math.max(clock.now() - pictures.length * 40, newestMs + 40)
  const frames = pictures.map((jpeg, index) => ({
    jpeg,
    frameCount: null,
    timestampMs: startMs + index * 40,
  }))
  const added = video.frames.add({ clientId, cameraId }, { longFrames: 250, shortFrames: 75 }, frames)
  assert.ok(!(added instanceof AppError))
}

async function startServer(
  t: TestContext,
  options: Parameters<typeof startMailServer>[0] = {},
): Promise<MailServer> {
  const server = await startMailServer(options)
  t.after(server.close)
  return server
}

const attachmentsOf = (server: MailServer, index = 0) => server.received[index]?.mail.attachments ?? []
const arrived = (server: MailServer, count: number) =>
  eventually(`${count} mails`, () => server.received.length === count, 60_000)

describe('alerts', await needs('postgres', 'ffmpeg'), () => {
  test('an alert becomes one mail with the clip of what was seen, and a row of history', async (t) => {
    const server = await startServer(t)
    const room = await open(t, server.url)
    const acme = await addClient(room, 'Acme', 'acme@example.com')
    show(room, acme, paint(50))
    const answer = await raised(room, acme, { alert_email: 'guard@example.com' })
    // What comes in after the call is no part of it.
    show(room, acme, paint(20))
    await arrived(server, 1)
    const [received] = server.received
    assert.deepEqual(received?.to, ['guard@example.com'])
    assert.equal(received?.mail.subject, '[HIGH] burglary Bcc: everyone@example.com at camera door, Acme')
    assert.match(received?.mail.text ?? '', /Client: +Acme\nCamera: +door\nRisk: +HIGH/)
    assert.match(received?.mail.html ?? '', /the lock &#60;b&#62;now/)
    const [clip] = attachmentsOf(server)
    assert.match(clip?.filename ?? '', /^door-\d{8}T\d{6}Z\.mp4$/)
    assert.equal(clip?.mimeType, 'video/mp4')
    await eventually('the history', async () => (await list(room, acme))[0]?.state === 'sent')
    const [item] = await list(room, acme)
    assert.deepEqual(
      [item?.alert_id, item?.attachment, item?.clip_frames, item?.clip_ms, item?.recipient],
      [answer.alert_id, 'clip', 50, 2000, 'guard@example.com'],
    )
    const { rows } = await room.store.database.query('select 1 from alert_files')
    assert.equal(rows.length, 0, 'the clip is not kept')
  })

  test('within the cool-down of a camera there is one mail; another camera has its own', async (t) => {
    const server = await startServer(t)
    const room = await open(t, server.url)
    const acme = await addClient(room, 'Acme', 'acme@example.com')
    const answers = await Promise.all(Array.from({ length: 8 }, () => raised(room, acme)))
    assert.equal(answers.filter(({ suppressed }) => suppressed).length, 7)
    assert.ok(!(await raised(room, acme, {}, 'yard')).suppressed)
    assert.ok(!(await raised(room, acme, { video: { alert_cooldown_seconds: 0 } })).suppressed)
    const other = await addClient(room, 'Other', 'other@example.com')
    assert.ok(!(await raised(room, other)).suppressed, 'a camera of the same name of another client')
    await arrived(server, 4)
    assert.deepEqual(server.received.map(({ to }) => to[0]).sort(), [
      ...['acme@example.com', 'acme@example.com', 'acme@example.com'],
      'other@example.com',
    ])
    assert.equal((await list(room, acme)).filter(({ state }) => state === 'suppressed').length, 7)
    assert.equal((await list(room, other)).length, 1)
  })

  test('without ffmpeg there are key frames, unchanged; without frames there is the text', async (t) => {
    const server = await startServer(t)
    const room = await open(t, server.url, { env: { FFMPEG_PATH: '/nonexistent/ffmpeg' } })
    const acme = await addClient(room, 'Acme', 'acme@example.com')
    const pictures = paint(30)
    show(room, acme, pictures)
    await raised(room, acme)
    await arrived(server, 1)
    const files = attachmentsOf(server)
    assert.equal(files.length, 10)
    assert.deepEqual(Buffer.from(files[0]?.content as ArrayBuffer), pictures[0])
    assert.deepEqual(Buffer.from(files[9]?.content as ArrayBuffer), pictures[29])
    assert.match(files[9]?.filename ?? '', /-10\.jpg$/)
    await raised(room, acme, {}, 'blind')
    await arrived(server, 2)
    assert.equal(attachmentsOf(server, 1).length, 0)
    assert.match(server.received[1]?.mail.text ?? '', /There is no picture of it/)
  })

  test('a mail server that is away gets the alert when it is back, once', async (t) => {
    const gone = await startMailServer()
    await gone.close()
    const room = await open(t, gone.url)
    const acme = await addClient(room, 'Acme', 'acme@example.com')
    show(room, acme, paint(10))
    await raised(room, acme)
    await eventually('a failed attempt', async () => {
      const { rows } = await room.store.database.query(
        `select 1 from jobs.job where name = 'mail-alert' and state = 'retry'`,
      )
      return rows.length === 1
    })
    assert.equal((await list(room, acme))[0]?.state, 'queued')
    const server = await startServer(t, { port: gone.port, refusals: [{ at: 'data', code: 451 }] })
    await arrived(server, 1)
    await eventually('the history', async () => (await list(room, acme))[0]?.state === 'sent')
    await eventually('nothing left to send', async () => {
      const { rows } = await room.store.database.query(
        `select 1 from jobs.job where name = 'mail-alert' and state < 'completed'`,
      )
      return rows.length === 0
    })
    assert.equal(server.received.length, 1)
  })

  test('a refused mailbox ends as failed with what the server said, and its clip is not kept', async (t) => {
    const server = await startServer(t, { refusals: [{ at: 'rcpt', code: 550 }] })
    const room = await open(t, server.url)
    const acme = await addClient(room, 'Acme', 'acme@example.com')
    show(room, acme, paint(5))
    await raised(room, acme)
    await eventually('the history', async () => (await list(room, acme))[0]?.state === 'failed', 60_000)
    assert.match((await list(room, acme))[0]?.failure ?? '', /\b550\b/)
    assert.equal((await room.store.database.query('select 1 from alert_files')).rows.length, 0)
    assert.ok(!(await raised(room, acme)).suppressed, 'a failed one holds no other back')
  })

  test('a process that stops hands over what it had begun', async (t) => {
    const server = await startServer(t)
    const first = await open(t, server.url)
    const acme = await addClient(first, 'Acme', 'acme@example.com')
    show(first, acme, paint(100))
    for (const camera of ['a', 'b', 'c']) show(first, acme, paint(5), camera)
    await Promise.all(['door', 'a', 'b', 'c'].map((camera) => raised(first, acme, {}, camera)))
    await first.video.close()
    const items = await list(first, acme)
    assert.ok(items.every(({ attachment }) => attachment !== null))
    await arrived(server, 4)
  })

  test('an alert whose process was killed before its clip was made goes out without it, once', async (t) => {
    const server = await startServer(t)
    const folder = mkdtempSync(join(tmpdir(), 'sp-stuck-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const stuck = join(folder, 'ffmpeg')
    writeFileSync(stuck, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 })
    const first = await open(t, server.url, { env: { FFMPEG_PATH: stuck } })
    const acme = await addClient(first, 'Acme', 'acme@example.com')
    show(first, acme, paint(5))
    await raised(first, acme)
    const { store } = first
    const another = (minutes: number) =>
      open(t, server.url, { store, works: false, clock: createManualClock(clock.now() + minutes * 60_000) })
    await (await another(4)).runJob('alerts-unattached')
    assert.equal((await list(first, acme))[0]?.attachment, null, 'it may still be at work')
    const second = await another(6)
    await second.runJob('alerts-unattached')
    await arrived(server, 1)
    assert.match(server.received[0]?.mail.text ?? '', /There is no picture of it/)
    // The first one was not killed after all, and comes to its end.
    await first.video.close()
    await eventually('the history', async () => (await list(second, acme))[0]?.state === 'sent')
    await second.runJob('alerts-unattached')
    const { rows } = await store.database.query(`select 1 from jobs.job where name = 'mail-alert'`)
    assert.deepEqual([rows.length, server.received.length], [1, 1])
  })

  test('the address is the client’s own, its email, MAIL_TO, and else nobody’s', async (t) => {
    const server = await startServer(t)
    const room = await open(t, server.url, { env: { MAIL_TO: 'operator@example.com' } })
    const silent = await addClient(room, 'Silent', null)
    await raised(room, silent)
    assert.equal((await list(room, silent))[0]?.recipient, 'operator@example.com')
    const { store } = room
    const none = await open(t, server.url, { store, works: false })
    const refused = await raise(none, silent, {}, 'yard')
    assert.ok(refused instanceof AppError && refused.code === 'mail_not_configured')
    assert.match(refused.message, /this client has no address/)
    const unmailed = await open(t, '', { store, works: false })
    const closed = await raise(unmailed, silent, {}, 'yard')
    assert.ok(closed instanceof AppError && closed.code === 'mail_not_configured')
    const gone = await raise(room, 999_999)
    assert.ok(gone instanceof AppError && gone.code === 'invalid_credential')
  })

  test('a client that is deleted takes its alerts along, and nobody else’s', async (t) => {
    const room = await open(t, 'smtp://127.0.0.1:9')
    const [acme, other] = [
      await addClient(room, 'Acme', 'a@example.com'),
      await addClient(room, 'Other', 'o@example.com'),
    ]
    await raised(room, acme)
    await raised(room, other)
    await room.store.database.transaction((tx) => room.video.removeClient(tx, acme))
    assert.deepEqual([(await list(room, acme)).length, (await list(room, other)).length], [0, 1])
  })
})
