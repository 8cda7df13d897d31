// The tokens of a load and what each call with them may get: at home, from elsewhere, banned, new, and claimed by two addresses at once.
import assert from 'node:assert/strict'
import type { BindingItem } from '@sallyport/contract'
import type { Gateway } from '../support/gateway.ts'
import { newToken } from '../support/tokens.ts'
import { callOnce, countStatuses, type Order, type Sample } from './load.ts'
import type { Random } from './random.ts'

export type Population = {
  /** The calls to make now; one, or two that race. */
  next(): Order[]
}

export const home = '203.0.113.7'
const tokensBound = 60
const tokensBanned = 10

/** Binds and bans through `gateway`, so that every engine knows them. */
export async function settlePopulation(gateway: Gateway, random: Random): Promise<Population> {
  const banned = Array.from({ length: tokensBanned }, newToken)
  await firstUses(gateway, banned)
  const { items } = (await gateway.admin('GET', '/bindings?page_size=200')).json() as { items: BindingItem[] }
  for (const { id } of items) {
    assert.equal((await gateway.admin('POST', '/bindings/ban', { id })).status, 200)
  }
  const bound = Array.from({ length: tokensBound }, newToken)
  await firstUses(gateway, bound)
  // The second use settles the binding.
  await firstUses(gateway, bound)

  /** Of its own each time: the flood guard counts what one address repeats. */
  const elsewhere = () => `10.${random.below(250)}.${random.below(250)}.${random.below(250)}`
  return {
    next() {
      const choice = random.below(100)
      if (choice < 60) return [{ kind: 'home', token: random.pick(bound), address: home }]
      if (choice < 80) return [{ kind: 'blocked', token: random.pick(bound), address: elsewhere() }]
      if (choice < 88) return [{ kind: 'banned', token: random.pick(banned), address: home }]
      if (choice < 96) return [{ kind: 'new', token: newToken(), address: home }]
      const token = newToken()
      return [home, elsewhere()].map((address) => ({ kind: 'contested', token, address }))
    },
  }
}

async function firstUses(gateway: Gateway, tokens: readonly string[]): Promise<void> {
  const uses = tokens.map((token) => callOnce(gateway.url, { kind: 'setup', token, address: home }))
  for (const { status, code } of await Promise.all(uses)) {
    assert.equal(status, 200, `the first use of a token: ${code}`)
  }
}

/** What must hold of every call, whatever the engines do. */
export function assertNoWrongPass(samples: readonly Sample[]): void {
  const wrong = samples.filter(
    ({ kind, status }) => (kind === 'blocked' || kind === 'banned') && status === 200,
  )
  assert.equal(wrong.length, 0, `a blocked call passed: ${JSON.stringify(wrong[0])}`)
  const winners = new Map<string, string>()
  for (const { kind, token, address, status } of samples) {
    if (kind !== 'contested' || status !== 200) continue
    assert.equal(winners.get(token) ?? address, address, 'one token was bound to two addresses')
    winners.set(token, address)
  }
  const expected: Record<string, number[]> = {
    home: [200, 503],
    blocked: [403, 503],
    banned: [403, 503],
    new: [200, 503],
    contested: [200, 403, 503],
  }
  const odd = samples.filter(({ kind, status }) => !expected[kind]?.includes(status))
  assert.equal(
    odd.length,
    0,
    `answers that nothing explains: ${countStatuses(odd)} ${JSON.stringify(odd[0])}`,
  )
}

/** Kinds that an engine can decide which knows the bound tokens but can bind no new one. */
export function isKnownToken({ kind }: Sample): boolean {
  return kind === 'home' || kind === 'blocked' || kind === 'banned'
}
