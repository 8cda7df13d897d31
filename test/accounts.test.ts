// The two commands work for every account and from every place: as an ordinary user, and as root from a clone under /root.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decidedCall } from './support/call.ts'
import { copyCheckout, nobody } from './support/checkout.ts'
import { type Account, databaseFolders, type Gateway, startGateway } from './support/gateway.ts'
import { needs } from './support/needs.ts'
import { openScope } from './support/scope.ts'
import { from, newToken } from './support/tokens.ts'
import { startUpstream } from './support/upstream.ts'

/** First use, refusal elsewhere, then the same after a second start. */
async function useTwice(start: () => Promise<Gateway>): Promise<void> {
  const token = newToken()
  for (const round of [1, 2]) {
    const gateway = await start()
    const at = (address: string) => decidedCall(`${gateway.url}/v1/models`, { headers: from(address, token) })
    assert.equal((await at('203.0.113.7')).status, 200, `start ${round}`)
    assert.equal((await at('203.0.113.8')).status, 403, `start ${round}`)
    assert.deepEqual(await gateway.stop(), { code: 0, signal: null })
  }
}

test(
  'an ordinary user runs it from a clone of their own, with the database in the data folder',
  await needs('root', 'linux'),
  async (t) => {
    const scope = openScope(t)
    const upstream = await startUpstream()
    scope.defer(upstream.close)
    const checkout = await copyCheckout(scope, tmpdir(), nobody)
    const env = { DOWNSTREAM_URL: upstream.url }
    await useTwice(() => startGateway(scope, { checkout, folder: checkout, account: nobody, env }))
    assert.equal((await stat(join(checkout, 'data'))).uid, nobody.uid)
    assert.deepEqual(await databaseFolders(checkout), [join(checkout, 'data/postgres')])
  },
)

test(
  'root runs it from a clone under its home; the database runs under another account, and the log says so',
  await needs('root', 'linux'),
  async (t) => {
    const scope = openScope(t)
    const upstream = await startUpstream()
    scope.defer(upstream.close)
    const checkout = await copyCheckout(scope, homedir(), null)
    const env = { DOWNSTREAM_URL: upstream.url }
    const seen: { output: string; account: Account }[] = []
    await useTwice(async () => {
      const gateway = await startGateway(scope, { checkout, folder: checkout, env })
      const [database = ''] = await databaseFolders(checkout)
      assert.match(database, /^\/var\/lib\/sallyport\//)
      const { uid, gid } = await stat(database)
      seen.push({ output: gateway.output(), account: { uid, gid } })
      return gateway
    })
    const [first] = seen
    assert.ok(
      first && first.account.uid !== 0,
      'the database folder belongs to an account without privileges',
    )
    const account = execFileSync('id', ['-nu', String(first.account.uid)], { encoding: 'utf8' }).trim()
    assert.match(first.output, new RegExp(`/var/lib/sallyport/.*${account}|${account}.*/var/lib/sallyport/`))
  },
)
