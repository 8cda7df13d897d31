// `npm run demo`: three stories told by real clients against real gateways and mock model APIs. Everything it starts, it stops.
import { openScope } from '../support/scope.ts'
import { tellOfClient } from './client-story.ts'
import { currentStep } from './narrator.ts'
import { tellOfToken } from './token-story.ts'

const closers: (() => Promise<void>)[] = []
const scope = openScope({ after: (close) => closers.push(close) })
process.once('SIGINT', () => void finish(130))
try {
  await tellOfToken(scope)
  await tellOfClient(scope)
  console.log('\nThe demo is through; everything it started has been stopped.')
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
