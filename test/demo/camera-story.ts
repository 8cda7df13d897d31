// The story of a camera: what it shows is looked at by two models, and a burglary becomes a mail with a clip.
import type { AlertItem } from '@sallyport/contract'
import { geminiReply, makeVerdict, openModel } from '../../server/video/test-support.ts'
import { call } from '../support/call.ts'
import { makeFilm, probeClip, startCameraProgram } from '../support/camera.ts'
import { eventually, within } from '../support/eventually.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import { type MailServer, startMailServer } from '../support/mail-server.ts'
import type { Scope } from '../support/scope.ts'
import { expect, say, title } from './narrator.ts'
import { makeClient, operatorAt } from './operator.ts'
import { keepOutput, outputPath } from './output.ts'

const filmSeconds = 5
const burglary = makeVerdict(true, { incident_type: 'burglary', analysis: 'A man breaks the lock.' })
/** Nothing at the first look; then the fast and the strong model agree, again and again. */
const replies = [makeVerdict(false), burglary].map((verdict) => geminiReply(verdict))

/** Needs ffmpeg. */
export async function tellOfCamera(scope: Scope): Promise<void> {
  title('One camera, one burglary')
  const mail = await startMailServer()
  scope.defer(mail.close)
  const model = await openModel({ after: scope.defer }, replies)
  const gateway = await startGateway(scope, {
    env: {
      ...{ SMTP_URL: mail.url, MAIL_FROM: 'sallyport@example.com' },
      ...{ GEMINI_API_KEY: 'AIza-operator-gemini-0000', GEMINI_BASE_URL: model.url },
    },
  })
  say('Sallyport gets a mock vision model and a mail server of this machine', `${model.url}, ${mail.url}`)
  const apiKey = await makeClient(operatorAt(scope, gateway), {
    ...{ name: 'Initech', email: 'guard@initech.example', externalId: 'initech' },
  })
  await playFilm(scope, gateway, apiKey)
  const asked = model.seen.map(({ path }) => /models\/([^:]+)/.exec(path)?.[1])
  const [calm, fast, strong] = asked
  expect([calm === fast, fast === strong], [true, false], `the models asked (${asked})`)
  say('A fast model saw an incident, and a strong one confirmed it', `${fast}, then ${strong}`)
  await openMail(gateway, mail, apiKey)
  expect((await gateway.stop()).code, 0, 'the exit of the gateway')
}

async function playFilm(scope: Scope, gateway: Gateway, apiKey: string): Promise<void> {
  const film = await makeFilm(scope, filmSeconds)
  const args = ['--camera-id', 'door', '--once', '--fps', '10', '--analyze-every', '2']
  say(
    `The camera program plays a film of ${filmSeconds} s`,
    `$ sallyport-camera --source film.mp4 ${args.join(' ')}`,
  )
  const where = ['--source', film, '--api-url', `${gateway.url}/api/`]
  const program = await startCameraProgram(scope, [...where, ...args], apiKey)
  expect(await within('the end of the film', program.exited), 0, `the exit (${program.output()})`)
  for (const line of program.output().trim().split('\n')) console.log(`     ${line}`)
}

/** What the guard gets, and what the gateway says that it sent. */
async function openMail(gateway: Gateway, mail: MailServer, apiKey: string): Promise<void> {
  const received = await eventually('the mail', () => mail.received[0])
  const [clip] = received.mail.attachments
  expect(clip?.mimeType, 'video/mp4', 'the kind of the attachment')
  const kept = await keepOutput('alert.eml', received.raw)
  const clipKept = await keepOutput('alert.mp4', Buffer.from(clip?.content as ArrayBuffer))
  say(`The mail to ${received.to}: "${received.mail.subject}"`, kept)
  const facts = await probeClip(outputPath('alert.mp4').path)
  const answer = await call(`${gateway.url}/api/alerts`, { headers: { authorization: `Bearer ${apiKey}` } })
  const sent = (answer.json() as { items: AlertItem[] }).items.find(({ state }) => state === 'sent')
  expect([facts.frames, facts.lengthMs], [sent?.clip_frames, sent?.clip_ms], 'frames and length of the clip')
  expect(mail.received.length, 1, 'the number of mails')
  say('With it came what the camera saw', `${facts.frames} frames, ${facts.lengthMs / 1000} s: ${clipKept}`)
}
