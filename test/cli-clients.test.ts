// Clients, keys, devices and provider keys worked by command: each change holds on the next request, and no output gives a secret away.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { call } from './support/call.ts'
import { commandsAt, remoteAt, withSuccess } from './support/commands.ts'
import { startFleet } from './support/fleet.ts'
import { jsonCall, openFolder, startGateway } from './support/gateway.ts'
import { openScope } from './support/scope.ts'
import { anyStorage, testSecrets } from './support/storage.ts'
import { startUpstream } from './support/upstream.ts'

function find(output: string, pattern: RegExp): string {
  const found = pattern.exec(output)?.[0]
  assert.ok(found, `${pattern} in:\n${output}`)
  return found
}

const apiKeyIn = (output: string) => find(output, /sp_[0-9A-Za-z]{64}/)
const deviceSecretIn = (output: string) => find(output, /spd_[\w-]{43}/)

function createClientArgs(name: string): string[] {
  return ['clients', 'create', '--name', name, '--email', `${name.toLowerCase()}@example.com`]
}

test('a client and its keys live and die by command, from the next request on', async (t) => {
  const scope = openScope(t)
  const { gateways } = await startFleet(scope)
  const [gateway] = gateways
  const sallyport = withSuccess(remoteAt(gateway))
  const use = (key: string) =>
    call(`${gateway.url}/api/health`, { headers: { 'x-api-key': key } }).then(({ status }) => status)

  const first = apiKeyIn(await sallyport(...createClientArgs('Acme')))
  const added = apiKeyIn(await sallyport('keys', 'add', '--client', 'acme', '--name', 'kiosk'))
  assert.deepEqual([await use(first), await use(added)], [200, 200])
  assert.match(await sallyport('clients', 'list'), /^acme +2 .* kiosk +active /m)

  const rotated = apiKeyIn(await sallyport('keys', 'rotate', '2', '--grace-seconds', '0'))
  assert.deepEqual([await use(added), await use(rotated)], [401, 200])
  await sallyport('keys', 'revoke', '2', '--yes')
  assert.equal(await use(rotated), 401)

  await sallyport('clients', 'revoke', 'acme', '--yes')
  assert.equal(await use(first), 401)
  await sallyport('clients', 'reactivate', '1')
  assert.deepEqual([await use(first), await use(rotated)], [200, 401], 'what was revoked alone stays so')
  await sallyport('keys', 'reactivate', '2')
  assert.equal(await use(rotated), 200)

  await sallyport('clients', 'delete', 'acme', '--yes')
  assert.deepEqual([await use(first), await use(rotated)], [401, 401])
  assert.match(await sallyport('clients', 'list'), /^No clients yet/)
})

test('a device lives and dies by command; tokens of before a revocation never work again', async (t) => {
  const scope = openScope(t)
  const { gateways } = await startFleet(scope)
  const [gateway] = gateways
  const sallyport = withSuccess(remoteAt(gateway))
  await sallyport(...createClientArgs('Urbanjungle'))
  const id = 'pi_urbanjungle_001'
  const registered = await sallyport('devices', 'register', '--id', id, '--client', 'urbanjungle')
  const authenticate = async (secret: string) => {
    const body = { device_id: id, device_secret: secret }
    const answer = await call(`${gateway.url}/device/auth`, jsonCall('POST', body))
    return answer.status === 200 ? (answer.json() as { access_token: string }).access_token : answer.status
  }
  const use = async (token: string | number) =>
    (await call(`${gateway.url}/device/info`, { headers: { authorization: `Bearer ${token}` } })).status

  const secret = deviceSecretIn(registered)
  const before = await authenticate(secret)
  assert.equal(await use(before), 200)
  await sallyport('devices', 'revoke', id, '--yes')
  assert.deepEqual([await use(before), await authenticate(secret)], [401, 401])
  await sallyport('devices', 'reactivate', id)
  assert.equal(await use(before), 401)
  assert.equal(await use(await authenticate(secret)), 200)

  const fresh = deviceSecretIn(await sallyport('devices', 'rotate-secret', id))
  assert.equal(await authenticate(secret), 401)
  assert.equal(await use(await authenticate(fresh)), 200)
  assert.match(
    await sallyport('devices', 'list', '--client', 'urbanjungle'),
    new RegExp(`^${id} .* active `, 'm'),
  )
})

test('jwt rotate signs with another key at once and refuses no token; with JWT_SECRET it says how', async (t) => {
  const scope = openScope(t)
  const env = await anyStorage.open(scope)
  const gateway = await startGateway(scope, { env })
  const sallyport = withSuccess(remoteAt(gateway))
  await sallyport(...createClientArgs('Acme'))
  const secret = deviceSecretIn(await sallyport('devices', 'register', '--id', 'pi_1', '--client', 'acme'))
  const authenticate = async () => {
    const body = { device_id: 'pi_1', device_secret: secret }
    const answer = await call(`${gateway.url}/device/auth`, jsonCall('POST', body))
    return (answer.json() as { access_token: string }).access_token
  }
  const kidOf = (token: string) =>
    (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid

  const run = commandsAt(scope, gateway.folder, env)
  const before = await authenticate()
  const { code, output } = await run('jwt', 'rotate')
  assert.equal(code, 0, output)
  const after = await authenticate()
  assert.equal(kidOf(after), find(output, /\b[0-9a-f]{8}\b/))
  assert.notEqual(kidOf(before), kidOf(after))
  for (const token of [before, after]) {
    const { status } = await call(`${gateway.url}/device/info`, {
      headers: { authorization: `Bearer ${token}` },
    })
    assert.equal(status, 200)
  }

  const given = commandsAt(scope, gateway.folder, { ...env, JWT_SECRET: 'j'.repeat(32) })
  const refused = await given('jwt', 'rotate')
  assert.equal(refused.code, 1)
  assert.match(refused.output, /^sallyport: JWT_SECRET is set.*JWT_SECRET_PREVIOUS/)
})

test('after vault rotate the new master key alone opens what the old one sealed', async (t) => {
  const scope = openScope(t)
  const upstream = await startUpstream()
  scope.defer(upstream.close)
  const folder = await openFolder(scope)
  const env = { ...(await anyStorage.open(scope)), OPENAI_BASE_URL: upstream.url }
  const changed = {
    ...env,
    MASTER_KEY: randomBytes(32).toString('base64'),
    MASTER_KEY_PREVIOUS: testSecrets.MASTER_KEY,
  }
  const first = await startGateway(scope, { folder, env })
  const sallyport = withSuccess(remoteAt(first))
  const apiKey = apiKeyIn(await sallyport(...createClientArgs('Acme')))
  await sallyport('providers', 'set-key', 'openai', '--client', 'acme', '--api-key', 'sk-own-of-acme')
  await first.stop()

  const run = commandsAt(scope, folder, changed)
  assert.match((await run('vault', 'status')).output, /^Provider keys: 1, under a former master key: 1$/m)
  const rotated = await run('vault', 'rotate')
  assert.equal(rotated.code, 0, rotated.output)
  assert.match(rotated.output, /1 of 1 provider keys/)
  assert.match((await run('vault', 'status')).output, /^Provider keys: 1, under a former master key: 0$/m)

  const { MASTER_KEY_PREVIOUS: _gone, ...alone } = changed
  const second = await startGateway(scope, { folder, env: alone })
  const answer = await call(`${second.url}/proxy/openai/v1/models`, {
    headers: { authorization: `Bearer ${apiKey}` },
  })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(upstream.received.at(-1)?.headers.authorization, 'Bearer sk-own-of-acme')
  const former = await commandsAt(scope, folder, env)('vault', 'status')
  assert.equal(former.code, 78, former.output)
  assert.match(former.output, /^sallyport: MASTER_KEY: is not the one this database was made with/m)
})

test('no output of any command holds a provider key, a key, a device secret or a digest once it was shown', async (t) => {
  const scope = openScope(t)
  const { gateways } = await startFleet(scope, { env: { EXA_API_KEY: 'exa-shared-of-the-operator' } })
  const [gateway] = gateways
  const sallyport = withSuccess(remoteAt(gateway))
  const providerKeys = { shared: 'sk-shared-of-the-operator', own: 'sk-own-of-the-client' }
  const apiKey = apiKeyIn(await sallyport(...createClientArgs('Acme')))
  const registered = await sallyport('devices', 'register', '--id', 'pi_1', '--client', 'acme')
  const outputs = [
    await sallyport('providers', 'set-key', 'openai', '--api-key', providerKeys.shared),
    await sallyport('providers', 'set-key', 'openai', '--client', '1', '--api-key', providerKeys.own),
  ]
  const reading: string[][] = [
    ...[
      ['clients', 'list'],
      ['clients', 'show', 'acme'],
      ['keys', 'list', '--client', '1'],
    ],
    ...[
      ['keys', 'revoke', '1', '--yes'],
      ['keys', 'reactivate', '1'],
    ],
    ...[
      ['devices', 'list'],
      ['devices', 'revoke', 'pi_1', '--yes'],
      ['devices', 'reactivate', 'pi_1'],
    ],
    ...[
      ['providers', 'list'],
      ['providers', 'remove-key', 'openai', '--yes'],
    ],
    ...[['bindings', 'list'], ['logs'], ['settings'], ['audit', 'list']],
    ...[
      ['clients', 'revoke', '1', '--yes'],
      ['clients', 'reactivate', '1'],
    ],
    ['clients', 'delete', '1', '--yes'],
  ]
  for (const args of reading) {
    // Confirmed deeds are done once; what only reads is asked in both forms.
    outputs.push(await sallyport(...args))
    if (/^(list|show)$/.test(args[1] ?? '')) outputs.push(await sallyport(...args, '--json'))
  }
  outputs.push((await commandsAt(scope, gateway.folder, testSecrets)('config', 'show')).output)
  const secrets = [
    apiKey,
    deviceSecretIn(registered),
    ...Object.values(providerKeys),
    'exa-shared-of-the-operator',
  ]
  for (const output of outputs) {
    for (const secret of secrets) assert.ok(!output.includes(secret), output)
    assert.doesNotMatch(output, /\b[0-9a-f]{64}\b|"(digest|sealed)"/)
  }
})

test('what cannot be done ends with one clear line and a code of its kind', async (t) => {
  const scope = openScope(t)
  const { gateways } = await startFleet(scope)
  const [gateway] = gateways
  const sallyport = withSuccess(remoteAt(gateway))
  await sallyport(...createClientArgs('Acme'))
  await sallyport('devices', 'register', '--id', 'pi_1', '--client', 'acme')
  const run = remoteAt(gateway)
  const wrong: [args: string[], code: number, says: RegExp][] = [
    [createClientArgs('Acme'), 1, /conflict/],
    [['clients', 'show', '4711'], 1, /4711/],
    [['clients', 'delete', 'acme'], 64, /--yes/],
    [['clients', 'create', '--name', 'Acme', '--email', 'acme'], 64, /--email/],
    [['keys', 'add', '--client', 'acme', '--ip', '10.0.0.300'], 1, /10\.0\.0\.300/],
    [['keys', 'rotate', '1', '--grace-seconds', '-5'], 64, /--grace-seconds/],
    [['keys', 'revoke', '4711', '--yes'], 1, /4711/],
    [['devices', 'register', '--id', 'pi_1', '--client', 'acme'], 1, /pi_1/],
    [['devices', 'register', '--id', 'pi_2', '--client', 'nobody'], 1, /nobody/],
    [['providers', 'set-key', 'no-such-provider', '--api-key', 'x'.repeat(20)], 1, /unknown_provider/],
    [['providers', 'remove-key', 'exa', '--yes'], 1, /exa/],
  ]
  for (const [args, code, says] of wrong) {
    const result = await run(...args)
    assert.equal(result.code, code, `sallyport ${args.join(' ')}:\n${result.output}`)
    assert.match(result.output, says)
    assert.equal(result.output.match(/^sallyport: /gm)?.length, 1, result.output)
    assert.doesNotMatch(result.output, /\n\s+at /, 'no stack')
  }
})
