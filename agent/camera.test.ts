// The camera program against a stand-in gateway, with a real ffmpeg: order, pace, outages, what it asks and what it says.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { needs } from '../test/support/needs.ts'
import { CameraConfigError, CameraUsageError, readCameraConfig } from './camera-config.ts'
import { createCameraPrices } from './camera-prices.ts'
import { createFrameClock } from './frame-clock.ts'
import { createFrameQueue } from './frame-queue.ts'
import { createJpegSplitter } from './jpeg-splitter.ts'
import { batchesOf, burglary, calm, key, makeFilm, openFolder, runProgram, takeAll } from './test-camera.ts'
import { refusal, type StandInGateway, startStandIn } from './test-gateway.ts'
import { maskSource } from './video-source.ts'

const ffmpegNeeded = await needs('ffmpeg')

const countAnalyses = ({ received }: StandInGateway) =>
  received.filter(({ path }) => path === '/api/video/analyze').length

test(
  'a file played once arrives whole and in order, is looked at, and a hit is told',
  ffmpegNeeded,
  async (t) => {
    const gateway = await startStandIn(takeAll(burglary))
    t.after(gateway.close)
    const args = ['--source', await makeFilm(t), '--api-url', `${gateway.url}/api/`, '--camera-id', 'door']
    const program = runProgram(t, [...args, '--once', '--fps', '10'])
    assert.equal(await program.exit, 0, program.output())
    const batches = batchesOf(gateway.received)
    const frames = batches.flatMap((batch) => batch.frames)
    assert.equal(frames.length, 20)
    assert.ok(batches.every((batch) => batch.camera_id === 'door' && batch.frames.length <= 20))
    assert.deepEqual(
      frames.map((frame) => frame.frame_count),
      Array.from({ length: 20 }, (_, index) => index + 1),
    )
    const times = frames.map((frame) => Date.parse(frame.timestamp))
    assert.ok(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0)))
    assert.ok((times.at(-1) ?? 0) <= Date.now(), 'no frame is from the future')
    assert.ok(frames.every(({ frame_data }) => frame_data.startsWith('/9j/')))
    assert.ok(gateway.received.every(({ token }) => token === key))
    const alert = gateway.received.find(({ path }) => path === '/api/alert')
    assert.deepEqual(alert?.body, {
      ...{ camera_id: 'door', analysis: 'A man breaks the lock.' },
      ...{ risk_level: 'HIGH', incident_type: 'burglary' },
    })
    assert.match(program.output(), /alert alert-1 is on its way/)
    // One at the end, and one more for every three seconds that a busy machine took for the two of the film.
    const asked = countAnalyses(gateway)
    assert.ok(asked >= 1)
    const told = `${asked} analyses, ${asked} incidents, ${asked} alerts, 0\\.\\d\\d EUR`
    assert.match(program.output(), new RegExp(`ended: 20 frames seen, 20 frames sent.*${told}`))
    assert.ok(!program.output().includes(key))
  },
)

test('a veto and a calm street raise nothing', ffmpegNeeded, async (t) => {
  const film = await makeFilm(t)
  for (const finding of [calm, { ...burglary, confirmed: false, veto_reason: 'It is the owner.' }]) {
    const gateway = await startStandIn(takeAll(finding))
    t.after(gateway.close)
    const program = runProgram(t, ['--source', film, '--api-url', gateway.url, '--once', '--fps', '10'])
    assert.equal(await program.exit, 0, program.output())
    assert.ok(countAnalyses(gateway) >= 1)
    assert.ok(!gateway.received.some(({ path }) => path === '/api/alert'))
  }
})

test('each reason to end has its exit code and its line', async (t) => {
  const gateway = await startStandIn(() => refusal(401, 'invalid_credential'))
  t.after(gateway.close)
  const away = ['--source', '/nonexistent.mp4', '--api-url', gateway.url]
  const refused = runProgram(t, away)
  assert.equal(await refused.exit, 77)
  assert.match(refused.output(), /refused the API key/)
  assert.equal(await runProgram(t, ['--wrong']).exit, 64)
  assert.equal(await runProgram(t, away, { SALLYPORT_API_KEY: '' }).exit, 78)
  assert.equal(await runProgram(t, ['--help']).exit, 0)
  const open = await startStandIn(takeAll(calm))
  t.after(open.close)
  const missing = runProgram(t, ['--source', 'x.mp4', '--api-url', open.url], {
    FFMPEG_PATH: '/nonexistent/ffmpeg',
  })
  assert.equal(await missing.exit, 69)
  assert.match(missing.output(), /is not on this machine; install it/)
})

test('a file that is none ends the program', ffmpegNeeded, async (t) => {
  const gateway = await startStandIn(takeAll(calm))
  t.after(gateway.close)
  const program = runProgram(t, ['--source', '/nonexistent.mp4', '--api-url', gateway.url, '--once'])
  assert.equal(await program.exit, 66, program.output())
  assert.match(program.output(), /No such file/)
})

test('the key is read from the environment, else from .env, under either name, and never repeated', (t) => {
  const folder = openFolder(t)
  const args = ['--source', 'rtsp://camera/1', '--api-url', 'https://g.example.com/api/']
  const read = (env: Record<string, string>) => readCameraConfig(args, { env, folder })?.apiKey
  assert.throws(() => read({}), CameraConfigError)
  writeFileSync(join(folder, '.env'), 'VIGINT_API_KEY=sp_from_file\n')
  assert.equal(read({}), 'sp_from_file')
  assert.equal(read({ SALLYPORT_API_KEY: 'sp_from_env' }), 'sp_from_env')
  assert.throws(
    () => read({ SALLYPORT_API_KEY: 'sp_canary\u0007' }),
    (error) => error instanceof CameraConfigError && !error.message.includes('canary'),
  )
  const wrong = [['--camera-id', 'a b'], ['--fps', 'x'], ['--fps', '0'], ['--width', '1'], ['--once']]
  for (const extra of wrong)
    assert.throws(() => readCameraConfig([...args, ...extra], { env: {}, folder }), CameraUsageError)
  assert.deepEqual(readdirSync(folder), ['.env'])
})

test('pictures are cut at their ends only, whatever the pieces, and rubbish between them is passed over', () => {
  const jpeg = (data: string) => Buffer.from(`ffd8ffe00004ffd9ffda0004abcd${data}ffd9`, 'hex')
  const pictures = [jpeg('00ff0011ffd0'), jpeg('ff00ffd7ff00'), jpeg('12')]
  const [first = Buffer.alloc(0), ...rest] = pictures
  const stream = Buffer.concat([Buffer.from('0011ff', 'hex'), first, Buffer.from('deadffff', 'hex'), ...rest])
  for (let size = 1; size <= stream.length; size += 1) {
    const splitter = createJpegSplitter(1000)
    const found: Buffer[] = []
    for (let at = 0; at < stream.length; at += size)
      found.push(...splitter.push(stream.subarray(at, at + size)))
    assert.deepEqual(found, pictures, `pieces of ${size}`)
    assert.equal(splitter.lostBytes(), 7)
  }
  const small = createJpegSplitter(20)
  assert.deepEqual(small.push(Buffer.concat([jpeg('00'.repeat(50)), jpeg('33')])), [jpeg('33')])
})

test('an endless picture is not kept', () => {
  const splitter = createJpegSplitter(1000)
  splitter.push(Buffer.from('ffd8ffda0002', 'hex'))
  for (let index = 0; index < 10; index += 1) assert.deepEqual(splitter.push(Buffer.alloc(500)), [])
  assert.ok(splitter.lostBytes() >= 4000)
})

test('the queue lets go of the oldest, by number and by bytes, and counts them', () => {
  const frame = (count: number, bytes = 1) => ({ jpeg: Buffer.alloc(bytes), takenAtMs: count, count })
  const queue = createFrameQueue({ framesMax: 3, bytesMax: 100 })
  for (let count = 1; count <= 5; count += 1) queue.add(frame(count))
  const taken = queue.take({ frames: 2, bytes: 100 })
  assert.deepEqual(
    taken.map(({ count }) => count),
    [3, 4],
  )
  for (let count = 6; count <= 7; count += 1) queue.add(frame(count))
  queue.giveBack(taken)
  assert.deepEqual(
    queue.take({ frames: 9, bytes: 100 }).map(({ count }) => count),
    [5, 6, 7],
  )
  assert.equal(queue.dropped(), 4)
  queue.add(frame(8, 80))
  queue.add(frame(9, 80))
  assert.deepEqual([queue.size(), queue.dropped()], [1, 5])
  assert.equal(queue.take({ frames: 9, bytes: 10 }).length, 1, 'a large frame passes alone')
})

test('frames that come in bursts get even times, never of the future', () => {
  let now = 1_000_000
  const clock = createFrameClock(25, () => now)
  const first = clock.next()
  const burst = Array.from({ length: 5 }, () => clock.next() - first)
  assert.deepEqual(burst, [40, 80, 120, 160, 200])
  const many = Array.from({ length: 200 }, () => clock.next())
  assert.ok(many.every((time, index) => time <= now && time >= (many[index - 1] ?? 0)))
  now += 60_000
  assert.equal(clock.next(), now - 2500)
})

test('costs are told at the prices that the gateway charges', () => {
  const prices = createCameraPrices()
  assert.equal(prices.costOf({ batches: 3600, analyses: 1200, alerts: 1 }), 96_100_000)
  prices.learn({
    totals: { calls: 3, cost_micros: 0 },
    by_endpoint: [
      { endpoint: '/api/video/buffer', calls: 2, cost_micros: 10_000 },
      { endpoint: '/api/video/buffering', calls: 2, cost_micros: 900_000 },
    ],
  })
  assert.equal(prices.costOf({ batches: 2, analyses: 1, alerts: 0 }), 60_000)
})

test('user name and password of a source are not shown', () => {
  assert.equal(maskSource('rtsp://admin:pa55@10.0.0.2:554/1 failed'), 'rtsp://***@10.0.0.2:554/1 failed')
})
