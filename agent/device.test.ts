// The device side: tokens kept fresh, refusals told apart from outages, the call stopped at the end.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createDeviceAgent, DeviceRefusedError, SallyportError } from './agent.ts'
import { DeviceConfigError, readDeviceConfig } from './device-config.ts'
import { type Received, type Reply, refusal, type Script, startStandIn } from './test-gateway.ts'
import { type Program, startProgram } from './test-program.ts'

const credentials = { deviceId: 'pi_1', deviceSecret: 'spd_secret' }
const info = {
  device_id: 'pi_1',
  customer_id: 'acme',
  name: null,
  active: true,
  created_at: '2026-01-01T00:00:00Z',
}

/** A gateway that hands out `token-1`, `token-2`, …; `answer` says what the other paths do. */
function tokens(expiresInSeconds: number, answer: Script = () => ({ status: 200, body: info })): Script {
  let count = 0
  const issue = () => ({
    access_token: `token-${++count}`,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
  })
  return (call: Received): Reply => {
    if (call.path === '/device/auth')
      return { status: 200, body: { ...issue(), customer_id: 'acme', device_info: info } }
    if (call.path === '/device/refresh') return { status: 200, body: issue() }
    return answer(call)
  }
}

test('a token is replaced before it expires, without being asked', async (t) => {
  const gateway = await startStandIn(tokens(0.05))
  const agent = createDeviceAgent({ ...credentials, proxyUrl: gateway.url })
  t.after(async () => {
    agent.close()
    await gateway.close()
  })
  await agent.connect()
  await gateway.seen((call) => call.path === '/device/refresh' && call.token === 'token-2')
  assert.deepEqual(gateway.received[0]?.body, { device_id: 'pi_1', device_secret: 'spd_secret' })
  assert.equal(gateway.received.filter((call) => call.path === '/device/auth').length, 1)
})

test('a call refused for its token is made once more with a new one, and not a third time', async (t) => {
  const gateway = await startStandIn(
    tokens(900, (call) =>
      call.token === 'token-1' ? refusal(401, 'invalid_credential') : { status: 200, body: info },
    ),
  )
  const agent = createDeviceAgent({ ...credentials, proxyUrl: `${gateway.url}/api/` })
  t.after(async () => {
    agent.close()
    await gateway.close()
  })
  assert.equal((await agent.info()).device_id, 'pi_1')
  assert.deepEqual(
    gateway.received.map((call) => `${call.path} ${call.token}`),
    ['/device/auth null', '/device/info token-1', '/device/auth null', '/device/info token-2'],
  )
})

test('other refusals are told with code and request id, and are not tried again', async (t) => {
  const gateway = await startStandIn(tokens(900, () => refusal(502, 'provider_key_rejected')))
  const agent = createDeviceAgent({ ...credentials, proxyUrl: gateway.url })
  t.after(async () => {
    agent.close()
    await gateway.close()
  })
  await assert.rejects(agent.startCall('assistant-1'), (error) => {
    assert.ok(error instanceof SallyportError)
    assert.deepEqual([error.status, error.code, error.requestId], [502, 'provider_key_rejected', 'req-1'])
    return true
  })
  assert.equal(gateway.received.filter((call) => call.path === '/vapi/start').length, 1)
})

test('a refused secret is final', async (t) => {
  const gateway = await startStandIn(() => refusal(401, 'invalid_credential'))
  const agent = createDeviceAgent({ ...credentials, proxyUrl: gateway.url })
  t.after(async () => {
    agent.close()
    await gateway.close()
  })
  await assert.rejects(agent.connect(), DeviceRefusedError)
  assert.equal(gateway.received.length, 1)
})

test('the configuration names what is missing or wrong, and never repeats the secret', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-device-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'device_config.json')
  const write = (content: unknown) =>
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  const whole = {
    device_id: 'pi_1',
    device_secret: 'spd_canary',
    proxy_url: 'https://g.example.com',
    vapi_assistant_id: 'a',
  }
  write(whole)
  assert.equal(readDeviceConfig(path, { DEVICE_ID: 'pi_2' }).deviceId, 'pi_2')
  assert.equal(
    readDeviceConfig(null, { DEVICE_ID: 'a', DEVICE_SECRET: 'b', PROXY_URL: 'http://c' }).vapiAssistantId,
    null,
  )
  const wrong: [unknown, RegExp][] = [
    [{ ...whole, device_id: undefined }, /device_id is missing: set it in .* DEVICE_ID\. Example/],
    [{ ...whole, proxy_url: 'ftp://x' }, /proxy_url "ftp:\/\/x" is not an http address/],
    [{ ...whole, device_secret: 7 }, /device_secret must be a text/],
    [{ ...whole, device_secrets: 'spd_canary' }, /"device_secrets" is not a field/],
    ['{', /is not JSON/],
    ['[]', /must hold one object/],
  ]
  for (const [content, message] of wrong) {
    write(content)
    assert.throws(
      () => readDeviceConfig(path, {}),
      (error) =>
        error instanceof DeviceConfigError &&
        message.test(error.message) &&
        !error.message.includes('canary'),
    )
  }
})

function runProgram(env: Record<string, string>, folder: string, args: string[] = []): Program {
  const credential = { DEVICE_ID: 'pi_1', DEVICE_SECRET: 'spd_secret' }
  return startProgram('sallyport-device.ts', { args, folder, env: { ...credential, ...env } })
}

test('the program starts its call, stops it on Ctrl+C, and neither prints nor writes a token', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-device-'))
  const gateway = await startStandIn(
    tokens(900, (call) => ({
      status: 200,
      body: call.path === '/vapi/start' ? { id: 'call-1' } : { type: 'end-call' },
    })),
  )
  const program = runProgram({ PROXY_URL: gateway.url, VAPI_ASSISTANT_ID: 'assistant-1' }, folder)
  t.after(async () => {
    program.child.kill('SIGKILL')
    await gateway.close()
    rmSync(folder, { recursive: true })
  })
  await program.until('call call-1 started')
  program.child.kill('SIGINT')
  assert.equal(await program.exit, 0)
  const { body } = await gateway.seen((call) => call.path === '/vapi/stop')
  assert.deepEqual(body, { call_id: 'call-1' })
  assert.doesNotMatch(program.output(), /token-1|spd_secret/)
  assert.deepEqual(readdirSync(folder), [])
})

test('the program waits for a gateway that is not there yet', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-device-'))
  const port = await startStandIn(() => ({ status: 200, body: {} })).then(async ({ url, close }) => {
    await close()
    return Number(new URL(url).port)
  })
  const program = runProgram({ PROXY_URL: `http://127.0.0.1:${port}` }, folder)
  await program.until('cannot be reached')
  const gateway = await startStandIn(tokens(900), port)
  t.after(async () => {
    program.child.kill('SIGKILL')
    await gateway.close()
    rmSync(folder, { recursive: true })
  })
  await program.until('is connected to')
  program.child.kill('SIGTERM')
  assert.equal(await program.exit, 0)
})

test('the program ends non-zero for a refused secret, a wrong configuration and wrong arguments', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-device-'))
  const gateway = await startStandIn(() => refusal(401, 'invalid_credential'))
  t.after(async () => {
    await gateway.close()
    rmSync(folder, { recursive: true })
  })
  const refused = runProgram({ PROXY_URL: gateway.url }, folder)
  assert.equal(await refused.exit, 77)
  assert.match(refused.output(), /refused device_id and device_secret/)
  assert.equal(await runProgram({ PROXY_URL: '' }, folder).exit, 78)
  assert.equal(await runProgram({}, folder, ['--wrong']).exit, 64)
})
