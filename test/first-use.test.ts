// The race for a token: however many calls and processes meet at its first use, one address wins.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decidedCall } from './support/call.ts'
import { type Fleet, startFleet } from './support/fleet.ts'
import { openScope } from './support/scope.ts'
import { eachStorage, sharedStorage } from './support/storage.ts'
import { from, newToken } from './support/tokens.ts'

const addresses = ['203.0.113.7', '198.51.100.9'] as const

/** 200 calls at once, alternating over addresses and gateways; asserts that exactly one address was let through. */
async function race(gateways: Fleet['gateways']): Promise<void> {
  const token = newToken()
  const calls = Array.from({ length: 200 }, async (_, index) => {
    const address = addresses[index % 2] ?? addresses[0]
    const gateway = gateways[Math.floor(index / 2) % gateways.length]
    assert.ok(gateway)
    const answer = await decidedCall(`${gateway.url}/v1/models`, { headers: from(address, token) })
    return { address, status: answer.status, code: answer.code }
  })
  const answers = await Promise.all(calls)
  const winners = new Set(answers.filter(({ status }) => status === 200).map(({ address }) => address))
  assert.equal(winners.size, 1, `let through: ${[...winners].join(' and ')}`)
  const lost = answers.filter(({ address }) => !winners.has(address))
  assert.equal(lost.length, 100)
  assert.ok(lost.every(({ status, code }) => status === 403 && code === 'ip_not_allowed'))
  const won = answers.filter(({ address }) => winners.has(address))
  assert.deepEqual(
    won.filter(({ status }) => status !== 200),
    [],
  )
  const bindings = await gateways[0].admin('GET', '/bindings')
  const { items, total } = bindings.json() as { items: { allowed_ips: string[] }[]; total: number }
  assert.equal(total, 1)
  assert.deepEqual(items[0]?.allowed_ips, [...winners])
}

for (const storage of eachStorage) {
  test(
    `200 parallel first uses from two addresses make one binding, on ${storage.name}`,
    storage.options,
    async (t) => race((await startFleet(openScope(t), { storage })).gateways),
  )
}

for (const storage of sharedStorage) {
  test(`200 first uses over two processes make one binding, on ${storage.name}`, storage.options, async (t) =>
    race((await startFleet(openScope(t), { storage, count: 2 })).gateways),
  )
}
