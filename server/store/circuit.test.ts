// An engine that is away: said once, looked for until it answers, and waited for no longer than one is willing to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createManualClock } from '../lib/clock.ts'
import { createCircuit } from './circuit.ts'
import { silentLogger } from './test-support.ts'

function openCircuit() {
  const clock = createManualClock()
  let answers = false
  const probe = async () => {
    if (!answers) throw new Error('no answer')
  }
  const circuit = createCircuit({ engine: 'database', clock, logger: silentLogger, probe })
  const states: boolean[] = []
  const wait = (limitMs: number) => circuit.untilBack(limitMs).then(() => states.push(circuit.isAway()))
  const recover = () => {
    answers = true
  }
  return { circuit, clock, states, wait, recover }
}

test('who waits goes on at once while the engine is there', async () => {
  const { states, wait } = openCircuit()
  await wait(3_000)
  assert.deepEqual(states, [false])
})

test('who waits goes on when the engine is back', async () => {
  const { circuit, clock, states, wait, recover } = openCircuit()
  circuit.open(new Error('lost'))
  const waited = wait(3_000)
  await turn()
  clock.advance(1_000)
  await turn()
  assert.deepEqual(states, [])
  recover()
  clock.advance(250)
  await waited
  assert.deepEqual(states, [false])
})

test('who waits goes on without the engine after the time that was named', async () => {
  const { circuit, clock, states, wait } = openCircuit()
  circuit.open(new Error('lost'))
  const waited = wait(3_000)
  await turn()
  clock.advance(2_999)
  await turn()
  assert.deepEqual(states, [])
  clock.advance(1)
  await waited
  assert.deepEqual(states, [true])
})
