// The vault on a real database: write-only from outside, per client, and a rotation that can stop anywhere.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Secret } from '../lib/secret.ts'
import { createTestStore, type TestStore } from '../store/test-support.ts'
import { countForeignKeys, createVault, type RecordVaultChange, type Vault } from './vault.ts'

const newMasterKey = () => new Secret(randomBytes(32).toString('base64'))
const quiet: RecordVaultChange = async () => undefined
const revealed = async (vault: Vault, clientId: number | null, provider: string) =>
  (await vault.openKey(clientId, provider))?.reveal() ?? null

describe('vault', () => {
  let store: TestStore
  const masterKey = newMasterKey()
  const vaults: Vault[] = []
  const openVault = (current = masterKey, previous: Secret[] = []) => {
    const vault = createVault({
      ...store,
      holdClient: async () => true,
      config: { masterKey: current, masterKeyPrevious: previous },
    })
    vaults.push(vault)
    return vault
  }
  before(async () => {
    store = await createTestStore({ kind: 'embedded', redis: false })
  })
  after(async () => {
    for (const vault of vaults) vault.close()
    await store.close()
  })

  test('each client opens its own key, the shared one is nobody’s own, and only the last 4 characters are told', async () => {
    const vault = openVault()
    await vault.setKey({ clientId: 1, provider: 'openai' }, 'sk-own-of-client-1-aaaa', quiet)
    await vault.setKey({ clientId: 2, provider: 'openai' }, 'sk-own-of-client-2-bbbb', quiet)
    const info = await vault.setKey({ clientId: null, provider: 'openai' }, 'sk-shared-cccc', quiet)
    assert.equal(info.last4.length, 3, 'never more than a quarter of a short key')
    assert.equal(await revealed(vault, 1, 'openai'), 'sk-own-of-client-1-aaaa')
    assert.equal(await revealed(vault, 2, 'openai'), 'sk-own-of-client-2-bbbb')
    assert.equal(await revealed(vault, null, 'openai'), 'sk-shared-cccc')
    assert.equal(await revealed(vault, 3, 'openai'), null)
    assert.deepEqual(
      (await vault.list(1)).map(({ provider, last4 }) => ({ provider, last4 })),
      [{ provider: 'openai', last4: 'aaaa' }],
    )
  })

  test('a new key and a removal hold on the next call', async () => {
    const vault = openVault()
    const owner = { clientId: 10, provider: 'exa' }
    assert.equal(await revealed(vault, 10, 'exa'), null)
    await vault.setKey(owner, 'first-key-0001', quiet)
    assert.equal(await revealed(vault, 10, 'exa'), 'first-key-0001')
    await vault.setKey(owner, 'second-key-0002', quiet)
    assert.equal(await revealed(vault, 10, 'exa'), 'second-key-0002')
    assert.equal(await vault.removeKey(owner, quiet), true)
    assert.equal(await revealed(vault, 10, 'exa'), null)
    assert.equal(await vault.removeKey(owner, quiet), false)
  })

  test('a change that cannot be recorded is not made', async () => {
    const vault = openVault()
    const failing: RecordVaultChange = () => Promise.reject(new Error('audit is full'))
    await assert.rejects(
      vault.setKey({ clientId: 11, provider: 'exa' }, 'never-stored-key', failing),
      /audit is full/,
    )
    assert.equal(await revealed(vault, 11, 'exa'), null)
  })

  test('a row moved to another client does not open for it, and never another key instead', async () => {
    const vault = openVault()
    await vault.setKey({ clientId: 20, provider: 'openai' }, 'sk-of-client-20', quiet)
    await vault.setKey({ clientId: 21, provider: 'openai' }, 'sk-of-client-21', quiet)
    await store.database.query(
      `update provider_keys set sealed = other.sealed, sealed_data_key = other.sealed_data_key
       from provider_keys other where provider_keys.client_id = 21 and other.client_id = 20`,
    )
    await assert.rejects(revealed(openVault(), 21, 'openai'), (error: Error & { detail?: string }) =>
      /client 21 key of openai does not open/.test(error.detail ?? ''),
    )
    assert.equal(await revealed(openVault(), 20, 'openai'), 'sk-of-client-20')
  })

  test('the whole table yields none of 50 planted keys', async () => {
    const vault = openVault()
    const planted = Array.from({ length: 50 }, () => `canary-${randomBytes(12).toString('hex')}`)
    for (const [index, key] of planted.entries())
      await vault.setKey({ clientId: 1000 + index, provider: 'openai' }, key, quiet)
    const { rows } = await store.database.query(
      'select provider_keys::text as row, sealed, sealed_data_key from provider_keys',
    )
    const dump = rows
      .map((row) => `${row.row} ${String(row.sealed)} ${String(row.sealed_data_key)}`)
      .join('\n')
    assert.ok(dump.length > 1000)
    for (const key of planted) {
      assert.equal(dump.includes(key), false)
      assert.equal(dump.includes(Buffer.from(key).toString('hex')), false)
    }
  })

  test('a rotation killed anywhere goes on later, and at its end the former master key is not needed', async () => {
    const current = newMasterKey()
    const foreignTo = (key: Secret, previous: Secret[]) =>
      countForeignKeys(store.database, { masterKey: key, masterKeyPrevious: previous })
    const { total } = await store.database
      .query<{ total: number }>('select count(*) as total from provider_keys where client_id <> 21')
      .then(({ rows }) => ({ total: rows[0]?.total ?? 0 }))
    await store.database.query('delete from provider_keys where client_id = 21')
    for (let turn = 1; turn <= 5; turn++) {
      let seen = 0
      const stopping = openVault(current, [masterKey]).rotate(
        async () => undefined,
        () => {
          if (++seen === 7) throw new Error('killed')
        },
      )
      await assert.rejects(stopping, /killed/)
      for (const lone of [current, masterKey]) {
        assert.ok((await foreignTo(lone, [])) > 0, 'half-way one master key alone does not open all')
      }
      assert.equal(await foreignTo(current, [masterKey]), 0)
      assert.equal(await revealed(openVault(current, [masterKey]), 1, 'openai'), 'sk-own-of-client-1-aaaa')
    }
    const progress: number[] = []
    const others: string[] = []
    await openVault(current, [masterKey]).rotate(
      async () => void others.push('resealed'),
      ({ done }) => progress.push(done),
    )
    assert.ok(total > 35 && progress.length > 0 && progress.length <= total - 30)
    assert.deepEqual(others, ['resealed'])
    assert.deepEqual((await openVault(current, []).status()).outdated, 0)
    assert.equal(await revealed(openVault(current, []), 1, 'openai'), 'sk-own-of-client-1-aaaa')
    assert.equal(await revealed(openVault(current, []), null, 'openai'), 'sk-shared-cccc')
  })
})
