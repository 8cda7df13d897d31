// Clips as a player sees them: every frame, at its time, in a form that browsers and mail programs show; ffprobe is the judge.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { needs } from '../../test/support/needs.ts'
import { systemClock } from '../lib/clock.ts'
import { chooseBitrate, createClipMaker } from './clip.ts'
import { lengthMs, placeFrames } from './clip-times.ts'
import { readJpegSize } from './jpeg-size.ts'

const run = promisify(execFile)
const startMs = Date.parse('2026-11-21T14:00:00.500Z')

/** Pictures of ffmpeg's moving test card. */
async function paint(t: TestContext, size: string, count: number): Promise<Buffer[]> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-frames-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const input = ['-f', 'lavfi', '-i', `testsrc=size=${size}:rate=25`, '-frames:v', String(count)]
  await run('ffmpeg', ['-loglevel', 'error', ...input, join(folder, '%05d.jpg')])
  return readdirSync(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name)))
}

function openMaker(t: TestContext, ffmpegPath = 'ffmpeg') {
  const warnings: string[] = []
  const logger = { warn: (message: string) => void warnings.push(message) }
  const maker = createClipMaker({ config: { ffmpegPath }, clock: systemClock, logger })
  t.after(maker.close)
  return { maker, warnings }
}

type Probe = { streams: Record<string, string | number>[]; frames: { best_effort_timestamp_time: string }[] }

async function probe(t: TestContext, mp4: Buffer) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-probe-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'clip.mp4')
  writeFileSync(file, mp4)
  const entries =
    'stream=codec_name,pix_fmt,width,height,nb_read_frames,duration:frame=best_effort_timestamp_time'
  const flags = ['-v', 'error', '-count_frames', '-show_entries', entries, '-of', 'json']
  const { stdout, stderr } = await run('ffprobe', [...flags, file], { maxBuffer: 2 ** 24 })
  assert.equal(stderr, '', 'ffprobe has nothing to complain of')
  const { streams, frames } = JSON.parse(stdout) as Probe
  return {
    stream: streams[0] ?? {},
    timesMs: frames.map((frame) => Math.round(Number(frame.best_effort_timestamp_time) * 1000)),
  }
}

test('a full buffer becomes ten seconds of H.264 with all its frames', await needs('ffmpeg'), async (t) => {
  const { maker, warnings } = openMaker(t)
  const frames = (await paint(t, '641x479', 250)).map((jpeg, index) => ({
    jpeg,
    timestampMs: startMs + index * 40,
  }))
  const clip = await maker.makeClip(frames, 'door')
  assert.ok(clip)
  assert.deepEqual([clip.frameCount, clip.lengthMs], [250, 10_000])
  const { stream, timesMs } = await probe(t, clip.mp4)
  assert.deepEqual(stream, {
    codec_name: 'h264',
    pix_fmt: 'yuv420p',
    width: 642,
    height: 480,
    duration: '10.000000',
    nb_read_frames: '250',
  })
  assert.equal(timesMs.at(-1), 9960)
  assert.ok(clip.mp4.indexOf('moov') < clip.mp4.indexOf('mdat'), 'a player can begin before it has all')
  assert.deepEqual(warnings, [])
})

test('frames of uneven times and mixed sizes keep their times', await needs('ffmpeg'), async (t) => {
  const { maker, warnings } = openMaker(t)
  const offsets = [0, 40, 90, 1000, 1010, 4500, 4600, 5100]
  const pictures = [...(await paint(t, '320x240', 4)), ...(await paint(t, '1920x1080', 4))]
  const frames = offsets.map((offset, index) => ({
    jpeg: pictures[index] ?? Buffer.alloc(0),
    timestampMs: startMs + offset,
  }))
  const clip = await maker.makeClip(frames, 'default')
  assert.ok(clip)
  const { stream, timesMs } = await probe(t, clip.mp4)
  assert.deepEqual(timesMs, offsets)
  assert.deepEqual([stream.width, stream.height], [1280, 720])
  const seconds = Number(stream.duration)
  assert.ok(seconds > 5.1 && seconds <= 5.6, `it ends soon after its last frame: ${seconds} s`)
  assert.deepEqual(warnings, [])
})

test('one frame is a clip too', await needs('ffmpeg'), async (t) => {
  const { maker } = openMaker(t)
  const [jpeg = Buffer.alloc(0)] = await paint(t, '64x48', 1)
  const clip = await maker.makeClip([{ jpeg, timestampMs: startMs }], 'default')
  assert.ok(clip)
  assert.equal((await probe(t, clip.mp4)).stream.nb_read_frames, '1')
})

test('without ffmpeg, and of pictures that are none, there is no clip but a line in the log', async (t) => {
  const missing = openMaker(t, '/nonexistent/ffmpeg')
  const frames = [{ jpeg: Buffer.from('ffd8ffd9', 'hex'), timestampMs: startMs }]
  assert.equal(await missing.maker.makeClip(frames, 'default'), null)
  assert.equal(await missing.maker.makeClip(frames, 'default'), null)
  assert.deepEqual(missing.warnings, ['ffmpeg is not there: alerts carry key frames'])
  assert.equal(await missing.maker.makeClip([], 'default'), null)
  const broken = openMaker(t, process.execPath)
  assert.equal(await broken.maker.makeClip(frames, 'default'), null)
  assert.equal(broken.warnings.at(-1), 'a clip could not be made: its alert carries key frames')
})

test('a clip that is being made ends with the gateway', await needs('linux'), async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-slow-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const slow = join(folder, 'ffmpeg')
  writeFileSync(slow, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 })
  const { maker } = openMaker(t, slow)
  const making = maker.makeClip([{ jpeg: Buffer.alloc(8 * 2 ** 20), timestampMs: 0 }], 'default')
  maker.close()
  assert.equal(await making, null)
})

test('frames of one moment are spread up to the next, and what lies before a long silence is left out', () => {
  const place = (times: number[]) => {
    const placed = placeFrames(times.map((timestampMs) => ({ jpeg: Buffer.alloc(0), timestampMs })))
    return {
      times: placed.frames.map((frame) => frame.atMs),
      length: lengthMs(placed.frames),
      startsAtMs: placed.startsAtMs,
    }
  }
  assert.deepEqual(place([1000, 1000, 1000, 1000, 2000, 2000, 2000, 2000]), {
    times: [0, 250, 500, 750, 1000, 1250, 1500, 1750],
    length: 2000,
    startsAtMs: 1000,
  })
  assert.deepEqual(place([0, 40, 60_000, 60_040]), { times: [0, 40], length: 80, startsAtMs: 60_000 })
  assert.deepEqual(place([100, 60, 140]), { times: [0, 20, 40], length: 60, startsAtMs: 100 })
  assert.deepEqual(place([7]), { times: [0], length: 40, startsAtMs: 7 })
  assert.deepEqual(place([5, 5, 5]).times, [0, 40, 80])
})

test('the bitrate keeps even hours of frames within a mail', () => {
  for (const seconds of [0.04, 1, 10, 60, 250, 600])
    assert.ok((chooseBitrate(seconds * 1000) * seconds) / 8 < 14 * 2 ** 20, `${seconds} s`)
  assert.equal(chooseBitrate(10_000), 4_000_000)
})

test('width and height are read past other segments, and nothing is read of what has none', () => {
  const head = 'ffd8ffe000100000000000000000000000000000'
  assert.deepEqual(readJpegSize(Buffer.from(`${head}ffc2000b080102030401`, 'hex')), {
    width: 0x304,
    height: 0x102,
  })
  assert.equal(readJpegSize(Buffer.from('ffd8ffd9', 'hex')), null)
  assert.equal(readJpegSize(Buffer.from(`${head}ffc4ffff00000000000000`, 'hex')), null)
})
