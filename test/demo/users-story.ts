// The story of two users who bring their own keys: they write at the same moment, and each call carries its own user's key.

import type { BlogAnswer } from '@sallyport/contract'
import { type SeenCall, startScriptedProviders } from '../../server/onboarding/test-support.ts'
import { call } from '../support/call.ts'
import { within } from '../support/eventually.ts'
import { type Gateway, jsonCall, startGateway } from '../support/gateway.ts'
import { type Issuer, startIssuer } from '../support/issuer.ts'
import type { Scope } from '../support/scope.ts'
import { expect, say, title } from './narrator.ts'

const operatorKey = 'AIza-operator-gemini-0000'
type User = { name: string; key: string; topic: string }
const users: readonly User[] = [
  { name: 'ann', key: 'AIza-key-of-ann-1111', topic: 'topic-volcanoes' },
  { name: 'bea', key: 'AIza-key-of-bea-2222', topic: 'topic-glaciers' },
]

export async function tellOfUsers(scope: Scope): Promise<void> {
  title('Two users, each on a key of their own')
  const issuer = await startIssuer(scope)
  const upstream = await startScriptedProviders({ after: scope.defer })
  const gateway = await startGateway(scope, {
    env: {
      ...upstream.environment,
      ...{ DEPLOY_ENV: 'demo', OIDC_ISSUER: issuer.url, GEMINI_API_KEY: operatorKey },
    },
  })
  say(
    'Users sign in elsewhere, here at an issuer of the demo; the operator has a Gemini key, too',
    issuer.url,
  )
  for (const user of users) await saveKey(gateway, issuer, user)

  const bothAsked = Promise.withResolvers<void>()
  upstream.delay = () => {
    if (upstream.calls.length === users.length) bothAsked.resolve()
    return within('the call of the other user', bothAsked.promise)
  }
  const posts = await Promise.all(users.map((user) => write(gateway, issuer, user)))
  say('Both have a text written at the same moment; neither is answered before both have asked')
  for (const { user_id, title } of posts) console.log(`     ${user_id}: "${title}"`)
  expectOwnKeys(upstream.calls)
  say("The model API saw each text asked for on its own user's key")
  for (const { topic, key } of upstream.calls) console.log(`     ${topic.padEnd(16)} ${mask(key)}`)

  const answer = await generate(gateway, issuer, { name: 'cyd', topic: 'topic-deserts' })
  expect([answer.status, answer.code], [400, 'provider_key_missing'], 'the answer to a user without a key')
  expect(upstream.calls.length, users.length, 'the number of calls that the model API saw')
  say("A third user has saved no key, and gets none of the operator's", '400 provider_key_missing')
  expect((await gateway.stop()).code, 0, 'the exit of the gateway')
}

async function saveKey(gateway: Gateway, issuer: Issuer, { name, key }: User): Promise<void> {
  const headers = { authorization: `Bearer ${await issuer.sign(name)}` }
  const url = `${gateway.url}/api/onboarding/api-keys`
  const saved = await call(url, jsonCall('POST', { provider: 'gemini', api_key: key }, headers))
  expect(saved.status, 200, `the answer to ${name}`)
  const { api_keys: shown } = (await call(url, { headers })).json() as { api_keys: Record<string, string> }
  expect(shown, { gemini: `****${key.slice(-4)}` }, `the keys of ${name}`)
  say(`${name} saves a Gemini key, and never sees it again`, shown.gemini)
}

async function write(gateway: Gateway, issuer: Issuer, user: User): Promise<BlogAnswer> {
  const answer = await generate(gateway, issuer, user)
  expect(answer.status, 200, `the answer to ${user.name}`)
  const post = answer.json() as BlogAnswer
  expect([post.user_id, post.title], [user.name, `About ${user.topic}`], `the text of ${user.name}`)
  return post
}

async function generate(gateway: Gateway, issuer: Issuer, { name, topic }: Pick<User, 'name' | 'topic'>) {
  const headers = { authorization: `Bearer ${await issuer.sign(name)}` }
  return call(`${gateway.url}/api/blog/generate`, jsonCall('POST', { topic }, headers))
}

function expectOwnKeys(calls: readonly SeenCall[]): void {
  const seen = Object.fromEntries(calls.map(({ topic, key }) => [topic, key]))
  expect(calls.length, users.length, 'the number of calls that the model API saw')
  expect(seen, Object.fromEntries(users.map(({ topic, key }) => [topic, key])), 'the keys that it saw')
}

function mask(key: string): string {
  return `${key.slice(0, 4)}…${key.slice(-4)}`
}
