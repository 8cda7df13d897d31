// From a real RTSP camera to the mail in the guard's hands: camera program, gateway, two models, ffmpeg, SMTP.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AlertItem } from '@sallyport/contract'
import { geminiReply, makeJpeg, makeVerdict, openModel } from '../server/video/test-support.ts'
import { call } from './support/call.ts'
import { probeClip, startCameraProgram, startRtspCamera } from './support/camera.ts'
import { eventually, within } from './support/eventually.ts'
import { startGateway } from './support/gateway.ts'
import { startMailServer } from './support/mail-server.ts'
import { needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { anyStorage } from './support/storage.ts'

const says = (isIncident: boolean) => geminiReply(makeVerdict(isIncident, { incident_type: 'burglary' }))

test(
  'what an RTSP camera sees becomes one mail whose clip has every frame, and no alert is lost with a killed gateway',
  await needs('ffmpeg', 'rtsp'),
  async (t) => {
    const scope = openScope(t)
    const mail = await startMailServer()
    scope.defer(mail.close)
    // A calm look first, then the fast and the strong model agree on an incident, again and again.
    const model = await openModel(t, [says(false), says(true)])
    const gatewayEnv = {
      ...(await anyStorage.open(scope)),
      ...{ SMTP_URL: mail.url, MAIL_FROM: 'gateway@example.com' },
      ...{ GEMINI_API_KEY: 'operator-gemini-0123456789', GEMINI_BASE_URL: model.url },
    }
    const gateway = await startGateway(scope, { env: gatewayEnv })
    const made = await gateway.admin('POST', '/clients', { name: 'Acme', email: 'guard@example.com' })
    const { api_key: apiKey } = made.json() as { api_key: string }
    const args = ['--source', await startRtspCamera(scope), '--api-url', `${gateway.url}/api/`]
    const program = await startCameraProgram(
      scope,
      [...args, '--camera-id', 'door', '--fps', '10', '--analyze-every', '2'],
      apiKey,
    )
    await eventually('the mail', () => mail.received.length === 1, 60_000).catch((cause: unknown) => {
      throw new Error(program.output(), { cause })
    })
    const [received] = mail.received
    assert.deepEqual(received?.to, ['guard@example.com'])
    assert.match(received?.mail.subject ?? '', /^\[HIGH\] burglary at camera door, Acme$/)
    const [attachment] = received?.mail.attachments ?? []
    assert.equal(attachment?.mimeType, 'video/mp4')
    const file = join(await scope.folder(), 'clip.mp4')
    await writeFile(file, Buffer.from(attachment?.content as ArrayBuffer))
    const clip = await probeClip(file)

    await eventually('a second incident, within the cool-down', () =>
      program.output().includes('belongs to the one before'),
    )
    program.signal('SIGINT')
    assert.equal(await within('the end of the program', program.exited), 0)
    const headers = { authorization: `Bearer ${apiKey}` }
    const answer = await call(`${gateway.url}/api/alerts`, { headers })
    const alerts = (answer.json() as { items: AlertItem[] }).items
    const [sent] = alerts.filter(({ state }) => state === 'sent')
    assert.deepEqual(clip, {
      ...{ codec: 'h264', pixelFormat: 'yuv420p' },
      frames: sent?.clip_frames,
      lengthMs: sent?.clip_ms,
    })
    // Ten pictures a second: so many frames are so long.
    assert.ok(clip.frames >= 15, `${clip.frames} frames`)
    assert.ok(
      Math.abs(clip.lengthMs - clip.frames * 100) <= 600,
      `${clip.frames} frames in ${clip.lengthMs} ms`,
    )
    assert.equal(mail.received.length, 1, 'one incident is one mail')
    assert.ok(alerts.some(({ state }) => state === 'suppressed'))
    assert.ok(!program.output().includes(apiKey))

    // From here on the mail server is away, and the gateway raises alerts by itself; then it is killed.
    const { client } = made.json() as { client: { id: number } }
    const settings = { video: { alert_on_incident: true } }
    await gateway.admin('PATCH', `/clients/${client.id}`, { settings })
    await mail.close()
    const post = (url: string, path: string, type: string, body: Buffer | string) =>
      call(`${url}${path}`, { method: 'POST', headers: { ...headers, 'content-type': type }, body })
    const analyze = (url: string) =>
      post(url, '/api/video/analyze', 'application/json', '{"camera_id":"yard"}')
    await post(gateway.url, '/api/video/buffer?camera_id=yard', 'image/jpeg', makeJpeg())
    assert.equal((await analyze(gateway.url)).status, 200)
    await eventually('a failed attempt', () => gateway.output().includes('mail-alert'))
    const owed = await call(`${gateway.url}/api/alerts?camera_id=yard`, { headers })
    assert.equal((owed.json() as { items: AlertItem[] }).items[0]?.state, 'queued')
    await gateway.kill9()
    const again = await startGateway(scope, { folder: gateway.folder, env: gatewayEnv })
    const empty = await analyze(again.url)
    assert.equal(empty.status, 400)
    assert.match(empty.text, /"code":"no_frames"/)
    const back = await startMailServer({ port: mail.port })
    scope.defer(back.close)
    await eventually('the mail of the killed gateway', () => back.received.length > 0, 60_000)
    assert.match(back.received[0]?.mail.subject ?? '', /at camera yard/)
    assert.equal(back.received[0]?.mail.attachments[0]?.mimeType, 'video/mp4', 'its clip was kept')
    assert.equal((await again.stop()).code, 0)
    assert.equal(back.received.length, 1, 'once')
  },
)
