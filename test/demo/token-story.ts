// The story of one token: bound by its first use, refused from elsewhere, let in by an admin.
import { LLMock } from '@copilotkit/aimock'
import type { BindingItem, InterceptItem } from '@sallyport/contract'
import OpenAI, { PermissionDeniedError } from 'openai'
import { eventually } from '../support/eventually.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import type { Scope } from '../support/scope.ts'
import { newToken } from '../support/tokens.ts'
import { expect, failureOf, say, title } from './narrator.ts'

const office = '203.0.113.10'
const cafe = '198.51.100.77'
const chunkDelayMs = 40
const question = {
  model: 'gpt-4o-mini',
  messages: [{ role: 'user' as const, content: 'Where do you stand?' }],
}
const reply = 'At the door: the key stays inside, and only the right hand gets through.'

export async function tellOfToken(scope: Scope): Promise<void> {
  title('One token, two addresses')
  const mock = await startModelApi(scope)
  say('A mock model API stands where your real one would', mock.url)
  const gateway = await startGateway(scope, { env: { DOWNSTREAM_URL: mock.url } })
  say('Sallyport stands in front of it, with an embedded PostgreSQL of its own', gateway.url)

  const token = newToken()
  const atOffice = clientAt(gateway, office, token)
  const atCafe = clientAt(gateway, cafe, token)
  const first = await atOffice.chat.completions.create(question)
  expect(first.choices[0]?.message.content, reply, 'the answer of the first call')
  const binding = await onlyBinding(gateway)
  expect(binding.allowed_ips, [office], 'the binding of the token')
  say(
    `First use of a token from ${office} binds it there`,
    `${binding.token_display} -> ${binding.allowed_ips}`,
  )

  await streamAnswer(atOffice)
  await expectRefusal(atCafe)
  say(`The same token from ${cafe}, told by a trusted proxy, is refused`, '403 ip_not_allowed')
  const intercept = await eventually('the refusal in the intercept log', async () => {
    const [newest] = await list<InterceptItem>(gateway, '/logs')
    return newest
  })
  expect([intercept.client_ip, intercept.reason], [cafe, 'ip_not_allowed'], 'the intercept log')
  say('The refusal is in the log', `${intercept.method} ${intercept.path} from ${intercept.client_ip}`)

  const rule = { id: binding.id, mode: 'multiple', allowed_ips: [office, cafe] }
  const changed = await gateway.admin('PUT', '/bindings/ip', rule)
  expect(changed.status, 200, 'the change of the rule')
  say('An admin allows both addresses', rule.allowed_ips.join(', '))
  const again = await atCafe.chat.completions.create(question)
  expect(again.choices[0]?.message.content, reply, `the answer at ${cafe}`)
  say(`On the next request it works from ${cafe}`, `"${reply}"`)
  expect((await gateway.stop()).code, 0, 'the exit of the gateway')
}

async function startModelApi(scope: Scope): Promise<LLMock> {
  const mock = new LLMock({ port: 0, chunkSize: 12, latency: chunkDelayMs })
  mock.onMessage(/.*/, { content: reply })
  await mock.start()
  scope.defer(() => mock.stop())
  return mock
}

/** The unchanged SDK; the header is what a trusted proxy in front of the gateway would set. */
function clientAt(gateway: Gateway, address: string, token: string): OpenAI {
  return new OpenAI({
    baseURL: `${gateway.url}/v1`,
    apiKey: token,
    defaultHeaders: { 'X-Real-IP': address },
    maxRetries: 0,
  })
}

/** Prints each event as it arrives, and holds that they did not arrive in one lump. */
async function streamAnswer(client: OpenAI): Promise<void> {
  say(`A stream arrives at ${office} event by event`)
  const begin = performance.now()
  const arrivals: number[] = []
  let text = ''
  for await (const event of await client.chat.completions.create({ ...question, stream: true })) {
    const piece = event.choices[0]?.delta.content ?? ''
    if (piece === '') continue
    arrivals.push(performance.now() - begin)
    text += piece
    console.log(`     ${String(Math.round(arrivals.at(-1) ?? 0)).padStart(5)} ms  ${piece}`)
  }
  expect(text, reply, 'the streamed text')
  const spreadMs = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)
  const leastMs = ((arrivals.length - 1) * chunkDelayMs) / 2
  expect(spreadMs >= leastMs, true, `the spread of the events (${Math.round(spreadMs)} ms)`)
}

async function expectRefusal(client: OpenAI): Promise<void> {
  const error = await failureOf(client.chat.completions.create(question), 'the call from another address')
  if (!(error instanceof PermissionDeniedError)) throw error
  expect([error.status, error.code], [403, 'ip_not_allowed'], 'the refusal')
}

async function onlyBinding(gateway: Gateway): Promise<BindingItem> {
  const items = await list<BindingItem>(gateway, '/bindings')
  const [binding] = items
  if (!binding || items.length > 1) throw new Error(`one binding expected, found ${items.length}`)
  return binding
}

async function list<Item>(gateway: Gateway, path: string): Promise<Item[]> {
  const answer = await gateway.admin('GET', path)
  expect(answer.status, 200, `the list ${path}`)
  return (answer.json() as { items: Item[] }).items
}
