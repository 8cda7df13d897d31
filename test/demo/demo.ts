// `npm run demo`: stories told by real clients against real gateways and mock model APIs. Everything it starts, it stops.
import { needs } from '../support/needs.ts'
import { openScope } from '../support/scope.ts'
import { tellOfCamera } from './camera-story.ts'
import { tellOfClient } from './client-story.ts'
import { tellOfMoney } from './money-story.ts'
import { currentStep, title } from './narrator.ts'
import { emptyOutput } from './output.ts'
import { tellOfToken } from './token-story.ts'
import { tellOfUsers } from './users-story.ts'

const closers: (() => Promise<void>)[] = []
const scope = openScope({ after: (close) => closers.push(close) })
process.once('SIGINT', () => void finish(130))
try {
  const camera = await needs('ffmpeg')
  await emptyOutput()
  await tellOfToken(scope)
  await tellOfClient(scope)
  await tellOfMoney(scope)
  await tellOfUsers(scope)
  if (camera.skip) title(`Skipped: One camera, one burglary (${camera.skip})`)
  else await tellOfCamera(scope)
  console.log(
    '\nThe demo is through; everything it started has been stopped, and what it wrote is in demo-output/.',
  )
  await finish(0)
} catch (error) {
  console.error(
    `\nThe demo failed in step ${currentStep()}: ${error instanceof Error ? error.message : String(error)}`,
  )
  await finish(1)
}

async function finish(exitCode: number): Promise<void> {
  for (const close of closers.splice(0)) await close()
  process.exitCode = exitCode
}
