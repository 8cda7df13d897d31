// Single flight: one run for all who wait, and a forgotten run is known to be old.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SingleFlight } from './single-flight.ts'

test('all who ask meanwhile share one run, and the next one runs anew', async () => {
  const flight = new SingleFlight<string>()
  let runs = 0
  const run = () => flight.share('a', async () => ++runs)
  const [first, second] = [run(), run()]
  assert.deepEqual([first.leads, second.leads], [true, false])
  assert.deepEqual(await Promise.all([first.promise, second.promise]), [1, 1])
  assert.equal(await run().promise, 2)
})

test('a run that fails fails for all, and does not stand in the way of the next', async () => {
  const flight = new SingleFlight<string>()
  const failing = flight.share('a', () => Promise.reject(new Error('away'))).promise
  await assert.rejects(failing, /away/)
  assert.equal(await flight.share('a', async () => 'back').promise, 'back')
})

test('a run forgotten meanwhile is not current, and nobody joins it', async () => {
  const flight = new SingleFlight<string>()
  const gate = Promise.withResolvers<void>()
  const waitThenTell = async (isCurrent: () => boolean) => {
    await gate.promise
    return isCurrent()
  }
  const old = flight.share('a', waitThenTell).promise
  flight.forget('a')
  const young = flight.share('a', waitThenTell)
  assert.equal(young.leads, true)
  gate.resolve()
  assert.deepEqual([await old, await young.promise], [false, true])
})
