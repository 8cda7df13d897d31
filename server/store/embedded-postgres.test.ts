// The embedded server's life: first and second start, left running, killed, refused to a second process, made whole or not at all.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { createStore } from './create-store.ts'
import { chooseServerAccount, prepareServerHome } from './embedded-account.ts'
import { openDatabaseForCommand } from './open-for-command.ts'
import { becomesTrue, isServerOf, readPostmaster } from './postmaster.ts'
import type { Store } from './store.ts'
import { createTestPlace, type TestPlace } from './test-support.ts'

let place: TestPlace
let home: string
let databaseDir: string
const open: { close(): Promise<void> }[] = []

beforeEach(async () => {
  place = await createTestPlace({ kind: 'embedded', redis: false })
  const { dataDir, embedded } = place.dependencies.config
  home = prepareServerHome(chooseServerAccount(), dataDir, embedded?.instanceId ?? '')
  databaseDir = join(home, 'database')
})
afterEach(async () => {
  for (const opened of open.splice(0)) await opened.close()
  await place.remove()
})

async function start(): Promise<Store> {
  const store = await createStore(place.dependencies)
  open.push(store)
  return store
}

async function stop(store: Store): Promise<void> {
  open.splice(open.indexOf(store), 1)
  await store.close()
}

const serverPid = (): number => readPostmaster(databaseDir)?.pid ?? 0

type GatewayProcess = { ready: Promise<unknown>; kill(): Promise<void> }

/** A gateway in a process of its own. */
function spawnGateway(): GatewayProcess {
  const { config } = place.dependencies
  const from = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const script = `
    const { createStore } = await import(${from('./create-store.ts')})
    const { silentLogger } = await import(${from('./test-support.ts')})
    const { systemClock } = await import(${from('../lib/clock.ts')})
    const { Secret } = await import(${from('../lib/secret.ts')})
    const secret = (text) => new Secret(text)
    await createStore({ clock: systemClock, logger: silentLogger, config: {
      dataDir: ${JSON.stringify(config.dataDir)}, pgDsn: null, redisAddr: null, redisPassword: null, redisPrefix: 'x',
      embedded: { instanceId: ${JSON.stringify(config.embedded?.instanceId)},
                  databasePassword: secret(${JSON.stringify(config.embedded?.databasePassword.reveal())}) },
      pepper: secret(${JSON.stringify(config.pepper.reveal())}),
      masterKey: secret(${JSON.stringify(config.masterKey.reveal())}),
      masterKeyPrevious: [], journal: { bytes_max: 1e6 } } })
    process.stdout.write('ready')
    setInterval(() => undefined, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'close')
  return {
    ready: once(child.stdout, 'data'),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function leaveServerBehind(): Promise<number> {
  const gateway = spawnGateway()
  await gateway.ready
  const pid = serverPid()
  await gateway.kill()
  return pid
}

test('data written before a clean stop is there after the next start, and the stop leaves no server behind', async () => {
  const first = await start()
  await first.database.query('create table kept as select 1 as n')
  const pid = serverPid()
  assert.equal(isServerOf(databaseDir, pid), true)
  await stop(first)
  assert.equal(isServerOf(databaseDir, pid), false)
  assert.equal(existsSync(join(databaseDir, 'postmaster.pid')), false)
  const second = await start()
  assert.deepEqual((await second.database.query('select n from kept')).rows, [{ n: 1 }])
})

test('the server listens on no network and opens its socket to its owner only', async () => {
  const store = await start()
  const { rows } = await store.database.query(
    `select current_setting('listen_addresses') as addresses, current_setting('unix_socket_permissions') as mode,
            current_setting('fsync') as fsync`,
  )
  assert.deepEqual(rows, [{ addresses: '', mode: '0700', fsync: 'on' }])
})

test('a second process on the same data folder is refused by name, and the first goes on', async () => {
  const store = await start()
  await assert.rejects(createStore(place.dependencies), {
    name: 'DataFolderInUseError',
    message: new RegExp(
      `^${place.dependencies.config.dataDir} is in use by another Sallyport \\(process \\d+`,
    ),
  })
  assert.equal((await store.database.query('select 1')).rowCount, 1)
})

test('a server left running by a killed gateway is adopted with its data', async () => {
  const pid = await leaveServerBehind()
  assert.equal(isServerOf(databaseDir, pid), true)
  const store = await start()
  assert.equal(serverPid(), pid)
  assert.equal((await store.database.query('select 1')).rowCount, 1)
  await stop(store)
  assert.equal(isServerOf(databaseDir, pid), false)
})

test('a server that does not answer any more is replaced', { timeout: 120_000 }, async () => {
  const pid = await leaveServerBehind()
  process.kill(pid, 'SIGSTOP')
  const store = await start()
  assert.notEqual(serverPid(), pid)
  assert.equal((await store.database.query('select 1')).rowCount, 1)
})

test('a server that is killed under a living gateway is started again, and nothing committed is lost', async () => {
  const store = await start()
  await store.database.query('create table kept as select 1 as n')
  const pid = serverPid()
  process.kill(pid, 'SIGKILL')
  const isBack = () => serverPid() !== pid && readPostmaster(databaseDir)?.status === 'ready'
  assert.ok(await becomesTrue(isBack, 30_000))
  await store.database.query('select 1').catch(() => undefined)
  assert.ok(await becomesTrue(() => store.database.isReachable(), 30_000))
  assert.deepEqual((await store.database.query('select n from kept')).rows, [{ n: 1 }])
  assert.ok(await becomesTrue(() => store.notices.isFresh(), 30_000))
})

test('a pid file that names another living program does not keep the server from starting', async () => {
  await stop(await start())
  writeFileSync(join(databaseDir, 'postmaster.pid'), `${process.pid}\n${databaseDir}\n0\n5432\n\n\n\nready\n`)
  const store = await start()
  assert.equal((await store.database.query('select 1')).rowCount, 1)
})

test('a first start that was killed half-way leaves nothing half made', async () => {
  const hasDraft = () => readdirSync(home).some((name) => name.startsWith('database.draft-'))
  const gateway = spawnGateway()
  assert.ok(await becomesTrue(hasDraft, 30_000))
  await gateway.kill()
  assert.equal(existsSync(databaseDir), false)
  const store = await start()
  assert.equal(hasDraft(), false)
  assert.equal((await store.database.query('select 1')).rowCount, 1)
})

test('a database of another major version is refused with the remedy', async () => {
  await stop(await start())
  writeFileSync(join(databaseDir, 'PG_VERSION'), '17\n')
  await assert.rejects(createStore(place.dependencies), {
    name: 'StoreStartError',
    message: /PostgreSQL 17.*sallyport export FILE/,
  })
})

test('a command uses the running server and leaves it running; alone it starts one and stops it', async () => {
  const alone = await openDatabaseForCommand(place.dependencies)
  assert.equal((await alone.database.query('select 1')).rowCount, 1)
  const pid = serverPid()
  await alone.close()
  assert.equal(isServerOf(databaseDir, pid), false)
  const store = await start()
  const beside = await openDatabaseForCommand(place.dependencies)
  assert.equal((await beside.database.query('select 1')).rowCount, 1)
  await beside.close()
  assert.equal((await store.database.query('select 1')).rowCount, 1)
})

test('a server that a command started stays for the gateway that has begun to use it', async () => {
  const command = await openDatabaseForCommand(place.dependencies)
  const store = await start()
  await command.close()
  assert.equal((await store.database.query('select 1')).rowCount, 1)
})
