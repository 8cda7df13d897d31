// Who stood still is found after the limit, however it tries to look alive.
import assert from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { parseIpAddress } from '../lib/ip-address.ts'
import { Call } from './call-context.ts'
import { createSilenceSweep } from './silence.ts'

const limits = { bodyIdleMs: 60_000, answerIdleMs: 900_000 }
const stepMs = 5000

/** A call whose body is on its way; `arrived` is what its socket has read. */
function openCall() {
  let arrived = 0
  const socket = Object.defineProperty(new Socket(), 'bytesRead', { get: () => arrived })
  const request = new IncomingMessage(socket)
  const response = new ServerResponse(request)
  const peer = parseIpAddress('203.0.113.7')
  assert.ok(peer)
  const call = new Call({
    request,
    response,
    peer,
    onConsolePort: false,
    expectsContinue: false,
    startedMs: 0,
  })
  const arrive = (bytes: number) => {
    arrived += bytes
  }
  return { call, request, response, arrive }
}

/** When the sweep first names the call, in ms; null when it does not within five minutes. */
function sweepWith(call: Call, onStep: () => void): number | null {
  const findSilent = createSilenceSweep(limits)
  for (let nowMs = 0; nowMs <= 300_000; nowMs += stepMs) {
    onStep()
    if (findSilent([call], nowMs).includes(call)) return nowMs
  }
  return null
}

test('a body that stops is found after its limit', () => {
  const { call } = openCall()
  assert.equal(
    sweepWith(call, () => undefined),
    limits.bodyIdleMs,
  )
})

test('a body of a few bytes now and then is as silent as none', () => {
  const { call, arrive } = openCall()
  assert.equal(
    sweepWith(call, () => arrive(10)),
    limits.bodyIdleMs,
  )
})

test('a slow body that brings a kilobyte within the limit goes on', () => {
  const { call, arrive } = openCall()
  assert.equal(
    sweepWith(call, () => arrive(100)),
    null,
  )
})

test('a body that has arrived, and one whose answer has begun, are not waited for', () => {
  const whole = openCall()
  whole.request.complete = true
  assert.equal(
    sweepWith(whole.call, () => undefined),
    null,
  )
  const answered = openCall()
  answered.response.writeHead(200)
  answered.response.flushHeaders()
  assert.equal(
    sweepWith(answered.call, () => undefined),
    null,
  )
})
