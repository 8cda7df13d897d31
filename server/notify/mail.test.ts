// Mails as a real SMTP server receives them: tried again after a temporary refusal or an absence, given up only when refused for good.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { type Refusal, startMailServer } from '../../test/support/mail-server.ts'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { Secret } from '../lib/secret.ts'
import { createTestStore, silentLogger } from '../store/test-support.ts'
import { createMailOutbox, type Mail } from './mail.ts'
import { createSmtpSender, MailRefusedError } from './smtp.ts'

type Story = { n: number; to?: string }
const from = 'Sallyport <gateway@example.com>'
const clock = systemClock

async function openOutbox(test: TestContext, url: string | null, mail: Partial<Mail> = {}) {
  const store = await createTestStore({ kind: 'dsn', redis: false })
  test.after(store.close)
  const outbox = createMailOutbox({
    config: { smtpUrl: url === null ? null : new Secret(url), mailFrom: from },
    jobs: store.jobs,
    clock,
    logger: silentLogger,
  })
  const told: string[] = []
  await outbox.registerMail<Story>(
    'story',
    async ({ n, to }) =>
      n < 0
        ? null
        : { to: to ?? 'acme@example.com', subject: `Story ${n}`, text: 'Once upon a time', ...mail },
    {
      delivered: async ({ n }) => void told.push(`delivered ${n}`),
      refused: async ({ n }, reason) => void told.push(`refused ${n}: ${reason}`),
    },
  )
  await store.startWork()
  const enqueue = (data: Story, key = String(data.n)) =>
    store.database.transaction((tx) => outbox.enqueueMail(tx, 'story', data, key))
  const waiting = async () => {
    const { rows } = await store.database.query<{ n: number }>(
      `select count(*) as n from jobs.job where name = 'mail-story' and state < 'completed'`,
    )
    return rows[0]?.n
  }
  return { outbox, enqueue, told, waiting, store }
}

async function startServer(test: TestContext, refusals: Refusal[] = []) {
  const server = await startMailServer({ refusals })
  test.after(server.close)
  return server
}

describe('mails', await needs('postgres'), () => {
  test('a mail arrives whole, with its attachment', async (t) => {
    const server = await startServer(t)
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
    const attachments = [{ filename: 'Fäll 1.pdf', contentType: 'application/pdf', content }]
    const { enqueue, told } = await openOutbox(t, server.url, { html: '<b>Once</b>', attachments })
    await enqueue({ n: 1 })
    await eventually('the mail', () => told.length === 1)
    const [arrived] = server.received
    assert.deepEqual([arrived?.from, arrived?.to], ['gateway@example.com', ['acme@example.com']])
    assert.deepEqual(arrived?.mail.from, { name: 'Sallyport', address: 'gateway@example.com' })
    assert.equal(arrived?.mail.subject, 'Story 1')
    assert.match(arrived?.mail.html ?? '', /<b>Once<\/b>/)
    const [attachment] = arrived?.mail.attachments ?? []
    assert.equal(attachment?.filename, 'Fäll 1.pdf')
    assert.deepEqual(Buffer.from(attachment?.content as ArrayBuffer), content)
    assert.deepEqual(told, ['delivered 1'])
  })

  test('what was refused for now, at the recipient or after the content, arrives once when tried again', async (t) => {
    const server = await startServer(t, [
      { at: 'rcpt', code: 450 },
      { at: 'data', code: 451 },
    ])
    const { enqueue, told } = await openOutbox(t, server.url)
    await enqueue({ n: 1 })
    await eventually('the mail', () => told.length === 1, 60_000)
    assert.deepEqual([server.attempts(), server.received.length, told], [3, 1, ['delivered 1']])
  })

  test('a mail that is refused for good is told of with the answer, and not tried again', async (t) => {
    const server = await startServer(t, [{ at: 'rcpt', code: 550 }])
    const { enqueue, told, waiting } = await openOutbox(t, server.url)
    await enqueue({ n: 1 })
    await eventually('the refusal', () => told.length === 1)
    assert.match(told[0] ?? '', /^refused 1: 550 /)
    await eventually('nothing waits', async () => (await waiting()) === 0)
    assert.deepEqual([server.attempts(), server.received.length], [1, 0])
  })

  test('a dead server loses nothing: what waited arrives once it is there', async (t) => {
    const away = await startMailServer()
    await away.close()
    const { enqueue, told, waiting } = await openOutbox(t, away.url)
    for (const n of [1, 2, 3]) await enqueue({ n })
    await eventually('a failed attempt', async () => (await waiting()) === 3)
    const server = await startMailServer({ port: away.port })
    t.after(server.close)
    await eventually('all mails', () => told.length === 3, 60_000)
    assert.deepEqual(server.received.map(({ mail }) => mail.subject).sort(), [
      'Story 1',
      'Story 2',
      'Story 3',
    ])
  })

  test('what is undone with its transaction, has nothing to say, or was queued already is not sent', async (t) => {
    const server = await startServer(t)
    const { outbox, enqueue, told, waiting, store } = await openOutbox(t, server.url)
    await store.database
      .transaction(async (tx) => {
        await outbox.enqueueMail(tx, 'story', { n: 9 }, '9')
        throw new Error('undone')
      })
      .catch(() => undefined)
    await enqueue({ n: -1 })
    await store.database.transaction(async (tx) => {
      for (let times = 0; times < 3; times++) await outbox.enqueueMail(tx, 'story', { n: 1 }, 'same')
    })
    await eventually('the mail', () => told.length === 1)
    await eventually('nothing waits', async () => (await waiting()) === 0)
    assert.deepEqual(
      server.received.map(({ mail }) => mail.subject),
      ['Story 1'],
    )
  })

  test('without a mail server nothing is queued', async (t) => {
    const { outbox, enqueue, waiting } = await openOutbox(t, null)
    assert.equal(outbox.isMailConfigured(), false)
    await enqueue({ n: 1 })
    await eventually('an empty queue', async () => (await waiting()) === 0)
  })
})

test('lines that a name or subject smuggles in become no header and no second mail', async (t) => {
  const server = await startServer(t)
  const sender = createSmtpSender({ url: new Secret(server.url), from, clock })
  const subject = 'Hello\r\nBcc: victim@example.com\r\n\r\nText'
  await sender.send(
    { to: 'acme@example.com', subject, text: '.\r\nMAIL FROM:<x@example.com>\r\n.\r\n' },
    'id',
  )
  assert.equal(server.received.length, 1)
  assert.deepEqual(server.received[0]?.to, ['acme@example.com'])
  assert.equal(server.received[0]?.mail.bcc, undefined)
})

test('the account of the address is used, and a wrong one is no reason to give a mail up', async (t) => {
  const account = { user: 'gate way', password: 'p@ss:word/%' }
  const server = await startMailServer({ account })
  t.after(server.close)
  const mail = { to: 'acme@example.com', subject: 'Hello', text: 'Text' }
  const right = createSmtpSender({ url: new Secret(server.url), from, clock })
  await right.verify()
  await right.send(mail, 'id')
  const wrongUrl = new Secret(`smtp://gateway:wrong@127.0.0.1:${server.port}`)
  const wrong = createSmtpSender({ url: wrongUrl, from, clock })
  await assert.rejects(wrong.send(mail, 'id'), (error) => !(error instanceof MailRefusedError))
  assert.equal(server.received.length, 1)
})

test('a password is never sent in the clear to another machine', async (t) => {
  const seen: string[] = []
  const server = createServer((socket) => {
    socket.write('220 here\r\n')
    socket.on('data', (part) => {
      seen.push(String(part))
      socket.write('250-here\r\n250 AUTH PLAIN LOGIN\r\n')
    })
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  t.after(() => server.close())
  const { port } = server.address() as { port: number }
  const { networkInterfaces } = await import('node:os')
  const other = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)
  if (!other) return t.skip('this machine has no other address than its loopback')
  const url = new Secret(`smtp://gateway:password@${other.address}:${port}`)
  const sender = createSmtpSender({ url, from, clock })
  await assert.rejects(sender.send({ to: 'a@example.com', subject: 'x', text: 'x' }, 'id'))
  assert.ok(seen.length > 0 && !seen.join('').includes('AUTH'), seen.join(''))
})
