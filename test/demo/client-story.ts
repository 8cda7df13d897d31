// The story of a client and its device: they use the operator's keys without ever holding one.

import { GoogleGenAI } from '@google/genai'
import type { deviceWithSecretAnswer } from '@sallyport/contract'
import OpenAI, { PermissionDeniedError, toFile } from 'openai'
import type { z } from 'zod'
import { createDeviceAgent, DeviceRefusedError } from '../../agent/agent.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import { modelReply, type ProviderApis, startProviderApis } from '../support/provider-apis.ts'
import type { Scope } from '../support/scope.ts'
import { expect, failureOf, say, title } from './narrator.ts'
import { makeClient, type Operator, operatorAt } from './operator.ts'

/** What only the operator has. */
const operatorKeys = {
  OPENAI_API_KEY: 'sk-operator-openai-0123456789',
  GEMINI_API_KEY: 'AIza-operator-gemini-0123456789',
  VAPI_API_KEY: 'operator-vapi-0123456789',
}
const question = 'Where is the key?'

export async function tellOfClient(scope: Scope): Promise<void> {
  title('One client, no provider key')
  const apis = await startProviderApis(scope)
  const gateway = await startGateway(scope, { env: { ...apis.environment, ...operatorKeys } })
  say('The operator gives Sallyport the keys of OpenAI, Gemini and VAPI', gateway.url)
  const operator = operatorAt(scope, gateway)
  const apiKey = await makeClient(operator, {
    ...{ name: 'Acme Corporation', email: 'security@acme.com', externalId: 'acme' },
  })
  await askModels(gateway, apiKey)
  for (const key of [operatorKeys.OPENAI_API_KEY, operatorKeys.GEMINI_API_KEY]) {
    expect(apis.rawBytes().includes(key), true, `the providers seeing ${key}`)
  }
  expect(apis.rawBytes().includes(apiKey), false, "the providers seeing the client's key")
  say("On the wire to the providers stand the operator's keys, and nowhere the client's")
  await expectSharedRefusal(gateway, apiKey)

  await tellOfDevice(gateway, apis, operator)
  expect((await gateway.stop()).code, 0, 'the exit of the gateway')
}

/** The unchanged SDKs; only base URL and key are others. */
async function askModels(gateway: Gateway, apiKey: string): Promise<void> {
  const messages = [{ role: 'user' as const, content: question }]
  const chat = await openaiAt(gateway, apiKey).chat.completions.create({ model: 'gpt-4o-mini', messages })
  expect(chat.choices[0]?.message.content, modelReply, "OpenAI's answer")
  say('With it the unchanged OpenAI SDK works', `"${chat.choices[0]?.message.content}"`)

  const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl: `${gateway.url}/proxy/gemini` } })
  const answer = await google.models.generateContent({ model: 'gemini-2.5-flash', contents: question })
  expect(answer.text, modelReply, "Gemini's answer")
  say("With the same key, Google's SDK works too", `"${answer.text}"`)
}

/** One account serves all clients, so what is stored in it is open to none of them. */
async function expectSharedRefusal(gateway: Gateway, apiKey: string): Promise<void> {
  const file = await toFile(Buffer.from('{}'), 'batch.jsonl')
  const upload = openaiAt(gateway, apiKey).files.create({ file, purpose: 'batch' })
  const error = await failureOf(upload, 'a file for the shared account')
  if (!(error instanceof PermissionDeniedError)) throw error
  expect(error.code, 'route_not_shared', 'the refusal')
  say("Files in the operator's account stay out of reach", '403 route_not_shared')
}

async function tellOfDevice(gateway: Gateway, apis: ProviderApis, operator: Operator): Promise<void> {
  title('One device, fifteen minutes at a time')
  const deviceId = 'pi_acme_001'
  const { device_secret: deviceSecret } = await operator.ask<z.infer<typeof deviceWithSecretAnswer>>(
    ...['devices', 'register', '--id', deviceId, '--client', 'acme', '--name', 'Front door'],
  )
  let lifetimeSeconds = 0
  const device = createDeviceAgent({
    ...{ deviceId, deviceSecret, proxyUrl: gateway.url },
    onToken: (seconds) => {
      lifetimeSeconds = seconds
    },
  })
  try {
    const info = await device.connect()
    say(
      `The device proves its secret and gets a token for ${lifetimeSeconds} s`,
      `client ${info.customer_id}`,
    )
    const call = await device.startCall('assistant-1')
    expect(apis.rawBytes().includes(operatorKeys.VAPI_API_KEY), true, "VAPI seeing the operator's key")
    expect(apis.rawBytes().includes(deviceSecret), false, "VAPI seeing the device's secret")
    say("It starts a voice call at VAPI, on the operator's key", `call ${call.id}`)

    await operator.order('devices', 'revoke', deviceId, '--yes')
    const error = await failureOf(device.startCall('assistant-1'), 'a call of a revoked device')
    expect(error instanceof DeviceRefusedError, true, 'the refusal of the device')
    say('It is revoked, and its very next call fails', '401 invalid_credential')
  } finally {
    device.close()
  }
}

function openaiAt(gateway: Gateway, apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${gateway.url}/proxy/openai/v1`, apiKey, maxRetries: 0 })
}
