// The camera program when something is away: frames wait, the oldest make room and are counted, and both ends are found again.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { needs } from '../test/support/needs.ts'
import { createCameraGateway } from './camera-gateway.ts'
import { createCameraSession } from './camera-session.ts'
import {
  batchesOf,
  batchPath,
  burglary,
  calm,
  key,
  makeFfmpeg,
  makePictures,
  runProgram,
  takeAll,
} from './test-camera.ts'
import { type Received, refusal, startStandIn } from './test-gateway.ts'

const isBatch = ({ path }: Received) => path === batchPath
const countsOf = (calls: Received[]) =>
  batchesOf(calls).flatMap(({ frames }) => frames.map(({ frame_count }) => frame_count))

test('while the gateway is away the oldest frames make room, counted and told; then it goes on, also with a new one', async (t) => {
  let isAway = true
  const script = takeAll(calm)
  const gateway = await startStandIn((call) =>
    isAway && isBatch(call) ? refusal(503, 'overloaded') : script(call),
  )
  // At one frame a second a queue of ten seconds holds ten of these thirty.
  const { env } = makeFfmpeg(
    t,
    'for i in 1 2 3 4 5 6; do cat "$picture" "$picture" "$picture" "$picture" "$picture"; done',
    'while sleep 0.2; do cat "$picture"; done',
  )
  const args = ['--source', 'rtsp://camera/1', '--api-url', gateway.url, '--fps', '1', '--analyze-every', '0']
  const program = runProgram(t, args, env)
  await program.until('frames were dropped, the oldest first: the gateway does not keep up with 1 a second')
  await program.until('(overloaded, request req-1); next try in 1 s')
  const triedBefore = gateway.received.length
  isAway = false
  await gateway.seen((call) => isBatch(call) && gateway.received.indexOf(call) >= triedBefore)
  const [first = 0, second = 0] = countsOf(gateway.received.slice(triedBefore))
  assert.ok(
    first > 20 && second === first + 1,
    `${first}, ${second}: the oldest are gone, the rest is in order`,
  )

  await gateway.close()
  await program.until('cannot be reached; next try')
  const again = await startStandIn(takeAll(calm), Number(new URL(gateway.url).port))
  t.after(again.close)
  await again.seen(isBatch)
  assert.ok((countsOf(again.received)[0] ?? 0) > second)
  program.child.kill('SIGINT')
  assert.equal(await program.exit, 0, program.output())
  assert.match(program.output(), /ended: \d+ frames seen, \d+ frames sent, .*[1-9]\d* dropped/)
})

/** An MJPEG camera as many are: ten pictures a second as parts of one answer, which breaks off after two seconds. */
async function startMjpegCamera(t: TestContext): Promise<{ url: string; viewers(): number }> {
  const pictures = await makePictures(t, 20)
  let viewers = 0
  const server = createServer(async (_request, response) => {
    viewers += 1
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=frame' })
    for (const jpeg of pictures) {
      response.write(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`)
      response.write(jpeg)
      response.write('\r\n')
      await pause(100)
    }
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://user:secret@127.0.0.1:${port}/video.mjpg`, viewers: () => viewers }
}

test(
  'an MJPEG camera that breaks off is opened again, and its frames are counted on',
  await needs('ffmpeg'),
  async (t) => {
    const gateway = await startStandIn(takeAll(calm))
    t.after(gateway.close)
    const camera = await startMjpegCamera(t)
    const args = ['--source', camera.url, '--api-url', gateway.url, '--fps', '5', '--analyze-every', '0']
    // A look at what it is comes before each reading of it.
    const program = runProgram(t, args)
    await program.until('the source ended: no reason given; next try in 1 s')
    const before = countsOf(gateway.received).at(-1) ?? 0
    await gateway.seen(
      (call) => isBatch(call) && camera.viewers() > 3 && (countsOf([call]).at(-1) ?? 0) > before,
    )
    program.child.kill('SIGTERM')
    assert.equal(await program.exit, 0, program.output())
    const counts = countsOf(gateway.received)
    assert.deepEqual(
      counts,
      counts.map((_, index) => index + 1),
    )
    // Each of two seconds: as 25 a second, which ffmpeg takes such a stream for, there would be four and four.
    assert.ok(counts.length > 8, `${counts.length} frames`)
    assert.ok(!program.output().includes('secret'))
  },
)

test('a camera device is opened as one, without the key, and a source that cannot be opened is tried again', async (t) => {
  const gateway = await startStandIn(takeAll(calm))
  t.after(gateway.close)
  const { env, folder } = makeFfmpeg(
    t,
    'echo "$@" >>arguments; env >>environment',
    'echo "http://user:secret@camera/1: Connection refused" >&2; exit 1',
  )
  const args = ['--source', '/dev/video0', '--api-url', gateway.url, '--fps', '12', '--width', '640']
  const program = runProgram(t, args, env)
  await program.until('next try in 2 s')
  program.child.kill('SIGTERM')
  assert.equal(await program.exit, 0)
  assert.match(program.output(), /the source ended: http:\/\/\*\*\*@camera.*refused; next try in 1 s/)
  assert.ok(!program.output().includes('secret'))
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  assert.match(read('arguments'), /-f v4l2 -framerate 12 -i \/dev\/video0 .*fps=12,scale=w='min\(640,iw\)'/)
  assert.ok(!read('environment').includes(key))
})

test('an alert that the gateway cannot take yet is raised again', async (t) => {
  const script = takeAll(burglary)
  const refusals = [refusal(503, 'database_unavailable'), refusal(503, 'overloaded')]
  const gateway = await startStandIn(
    (call) => (call.path === '/api/alert' ? refusals.shift() : undefined) ?? script(call),
  )
  t.after(gateway.close)
  const { env } = makeFfmpeg(t, 'cat "$picture" "$picture" "$picture"')
  const program = runProgram(t, ['--source', 'film.mp4', '--once', '--api-url', gateway.url], env)
  assert.equal(await program.exit, 0, program.output())
  assert.match(
    program.output(),
    /an incident was not told yet: .*database_unavailable.*\n.*not told yet: .*overloaded/,
  )
  assert.match(program.output(), /alert alert-1 is on its way/)
  const tried = gateway.received.filter(({ path }) => path === '/api/alert')
  assert.equal(tried.length, 3)
  assert.deepEqual(tried[2]?.body, tried[0]?.body)
})

test('a key that is revoked while the camera runs ends the program, and says so', async (t) => {
  const script = takeAll(calm)
  const gateway = await startStandIn((call) =>
    isBatch(call) ? refusal(401, 'invalid_credential') : script(call),
  )
  t.after(gateway.close)
  const { env } = makeFfmpeg(t, 'while cat "$picture"; do sleep 0.1; done')
  const program = runProgram(t, ['--source', 'rtsp://camera/1', '--api-url', gateway.url], env)
  assert.equal(await program.exit, 77, program.output())
  assert.match(program.output(), /refused the API key.*\(invalid_credential\)/)
})

test('the cost an hour is that of what was sent, once it can be told', async (t) => {
  const gateway = await startStandIn(takeAll(calm))
  t.after(gateway.close)
  const { env } = makeFfmpeg(t, 'cat "$picture" "$picture" "$picture"')
  const source = {
    source: 'film.mp4',
    framesPerSecond: 1,
    widthMax: 640,
    once: true,
    ffmpegPath: env.FFMPEG_PATH,
  }
  const session = createCameraSession({
    ...{
      source,
      analysisSeconds: 3,
      raisesAlerts: true,
      onEvent: () => undefined,
      onTrouble: () => undefined,
    },
    gateway: createCameraGateway({ url: gateway.url, apiKey: key, cameraId: 'door' }),
  })
  await session.run(new AbortController().signal)
  const { batches, analyses, costMicros, costMicrosPerHour } = session.progress()
  assert.deepEqual([batches, analyses, costMicros, costMicrosPerHour], [2, 1, 70_000, null])
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 1_800_000 })
  const hourly = session.progress().costMicrosPerHour ?? 0
  assert.ok(Math.abs(hourly - 140_000) < 2_000, `${hourly}`)
})
