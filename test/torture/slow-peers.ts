// Proof: clients that dawdle or flood are cut at their deadline or limit, cost little memory, and nobody else notices them.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openSocket } from '../support/call.ts'
import { eventually } from '../support/eventually.ts'
import type { Gateway } from '../support/gateway.ts'
import { newToken } from '../support/tokens.ts'
import { type Bystanders, openBystanders } from './bystanders.ts'
import { type HostileServer, openHostileServer } from './hostile-server.ts'
import { processorMs } from './process-tree.ts'
import { LateError, type Proof, type Trial } from './report.ts'
import { closedByMs, startWithSmallLimits } from './small-limits.ts'

const dripMs = 300
/** Attackers come within about a second, not in one turn of our own event loop. */
const arrivalMs = 1
const dawdlerBytesMax = 64 * 1024
const readerBytesMax = 512 * 1024
const floodBytes = 20 * 1024 * 1024
const floods = 5
const megabyte = 1024 * 1024

/** Bytes sent at once, and what is sent again and again after them. */
type Dawdler = { name: string; count: number; begin: string; drip: string }

const authorization = `Authorization: Bearer ${newToken()}\r\n`
const silent: Dawdler = { name: 'silence', count: 100, begin: '', drip: '' }
const slowHeaders: Dawdler = {
  ...{ name: 'slow headers', count: 500 },
  begin: 'GET /v1/models HTTP/1.1\r\nHost: a\r\n',
  drip: 'X-A: b\r\n',
}
const slowBody: Dawdler = {
  ...{ name: 'a slow body', count: 250 },
  begin: `POST /v1/chat HTTP/1.1\r\nHost: a\r\n${authorization}Content-Length: 5000\r\n\r\n{`,
  drip: ' ',
}
const stoppedBody: Dawdler = { ...slowBody, name: 'a stopped body', count: 150, drip: '' }
const dawdlers = [silent, slowHeaders, slowBody, stoppedBody]
const deafReaders = 200
/** The kernel takes some megabytes for each of them before an answer stands still. */
const fillMsMax = 20_000
const idleLookMs = 400
const idleShare = 0.25
const deafRequest = `GET /v1/endless-body HTTP/1.1\r\nHost: a\r\n${authorization}\r\n`

type Scene = { gateway: Gateway; upstream: HostileServer; bystanders: Bystanders }

export const provesSlowPeers: Proof = {
  name: 'slow-peers',
  async run(prove, _options, scope) {
    const upstream = await openHostileServer(scope)
    const gateway = await startWithSmallLimits(scope, upstream.url)
    const bystanders = await openBystanders({ gateway, upstreamUrl: upstream.url })
    const scene = { gateway, upstream, bystanders }
    await prove('1,000 clients that send slowly or not at all are cut at their deadline', (trial) =>
      dawdle(trial, scene),
    )
    await prove('200 clients that do not read a big answer are cut at their deadline', (trial) =>
      readNothing(trial, scene),
    )
    await prove('100 MB of headers are refused after the limit and not kept', (trial) => flood(trial, scene))
    await prove('requests full of headers hold nobody up', (trial) => sendManyHeaders(trial, scene))
  },
}

async function dawdle(trial: Trial, { gateway, bystanders }: Scene): Promise<void> {
  const all = dawdlers.flatMap((dawdler) => Array.from({ length: dawdler.count }, () => dawdler))
  await bystanders.assertUndisturbed({
    trial,
    growthBytesMax: 16 * megabyte + all.length * dawdlerBytesMax,
    async attack() {
      const ends: Promise<number>[] = []
      for (const dawdler of all) {
        ends.push(untilCut(gateway.url, dawdler))
        await pause(arrivalMs)
      }
      const slowestMs = Math.max(...(await Promise.all(ends)))
      trial.note(`${all.length} connections, each cut within ${slowestMs.toFixed(0)} ms`)
    },
  })
}

/** How long the connection lasted; never longer than its deadline. */
function untilCut(url: string, { name, begin, drip }: Dawdler): Promise<number> {
  const startedMs = performance.now()
  const socket = openSocket(url).resume()
  socket.write(begin)
  const dripping = drip === '' ? null : setInterval(() => socket.write(drip), dripMs)
  return new Promise((resolve, reject) => {
    const hang = setTimeout(() => {
      socket.destroy()
      reject(new LateError(`a client with ${name} was not cut within ${closedByMs} ms`))
    }, closedByMs)
    socket.on('error', () => null)
    socket.once('close', () => {
      if (dripping) clearInterval(dripping)
      clearTimeout(hang)
      resolve(performance.now() - startedMs)
    })
  })
}

/**
 * Who does not read does not see the cut either; it shows at the upstream, which is let go with its client. Others are
 * measured from when the answers stand still: before, some hundred megabytes pour into the kernel's buffers.
 */
async function readNothing(trial: Trial, { gateway, upstream, bystanders }: Scene): Promise<void> {
  const sockets: Socket[] = []
  trial.scope.defer(() => sockets.map((socket) => socket.destroy()))
  await bystanders.assertUndisturbed({
    trial,
    growthBytesMax: 16 * megabyte + deafReaders * readerBytesMax,
    async prepare() {
      for (let count = 0; count < deafReaders; count++) {
        const socket = openSocket(gateway.url).on('error', () => null)
        socket.write(deafRequest)
        sockets.push(socket)
        await pause(arrivalMs)
      }
      await eventually('the answers standing still', () => isIdle(gateway), fillMsMax)
    },
    async attack() {
      const stillMs = performance.now()
      const areCut = async () => (await upstream.pouringSockets()) === 0
      await eventually('every deaf reader cut', areCut, closedByMs)
      trial.note(
        `${deafReaders} connections, the last cut ${(performance.now() - stillMs).toFixed(0)} ms later`,
      )
    },
  })
}

/** The gateway has nothing to carry any more. */
async function isIdle({ pid }: Gateway): Promise<boolean> {
  const before = processorMs(pid)
  await pause(idleLookMs)
  return processorMs(pid) - before < idleShare * idleLookMs
}

async function flood(trial: Trial, { gateway, bystanders }: Scene): Promise<void> {
  await bystanders.assertUndisturbed({
    trial,
    growthBytesMax: 24 * megabyte,
    async attack() {
      const sentBytes = await Promise.all(Array.from({ length: floods }, () => floodHeaders(gateway.url)))
      trial.note(`${floods} × ${floodBytes / megabyte} MB, at most ${Math.max(...sentBytes)} bytes taken`)
    },
  })
}

/** Answers how many bytes the gateway and the buffers on the way took until it closed the connection. */
async function floodHeaders(url: string): Promise<number> {
  const socket = openSocket(url).resume()
  socket.write('GET /v1/models HTTP/1.1\r\nHost: a\r\n')
  await writeUntilClosed(socket, `X-A: ${'a'.repeat(1000)}\r\n`.repeat(64), floodBytes)
  return socket.bytesWritten
}

/** Resolves when the server closed the connection. */
function writeUntilClosed(socket: Socket, part: string, bytesMax: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const more = () => {
      while (!socket.destroyed && socket.write(part)) {
        if (socket.bytesWritten > bytesMax) reject(new Error('everything was taken'))
      }
    }
    socket.on('drain', more)
    socket.on('error', () => null)
    socket.once('close', () => resolve())
    more()
  })
}

/** Requests at the limit of what is taken, a few thousand short headers each. */
async function sendManyHeaders(trial: Trial, { gateway, bystanders }: Scene): Promise<void> {
  const headers = Array.from({ length: 4000 }, (_, index) => `X-${index}: a\r\n`).join('')
  const message = `GET /v1/models HTTP/1.1\r\nHost: a\r\n${authorization}${headers}\r\n`
  let answered = 0
  await bystanders.assertUndisturbed({
    trial,
    growthBytesMax: 64 * megabyte,
    async attack() {
      const socket = openSocket(gateway.url)
      socket.setEncoding('latin1')
      const closed = new Promise((resolve) => socket.once('close', resolve))
      socket.on('error', () => null)
      socket.on('data', (text: string) => {
        answered += text.split('HTTP/1.1 200').length - 1
        if (answered < 40) setTimeout(() => socket.write(message), 20)
        else socket.destroy()
      })
      socket.write(message)
      await closed
    },
  })
  assert.equal(answered, 40, 'requests with many headers within the limit are served')
  trial.note(`${answered} requests of ${Math.round(message.length / 1024)} kB of headers`)
}
