// A new device is sent as the form says, what was left empty is left out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deviceRequestOf } from './device-draft.ts'

test('what is filled in is sent, the client by its number', () => {
  const draft = {
    deviceId: ' pi_1 ',
    clientId: '7',
    name: 'Door',
    assistants: 'a1\na2',
    requestsPerMinute: ' 30 ',
  }
  assert.deepEqual(deviceRequestOf(draft, { policy: 'first_use' }), {
    device_id: 'pi_1',
    client_id: 7,
    name: 'Door',
    assistants: ['a1', 'a2'],
    requests_per_minute: 30,
    binding: { policy: 'first_use' },
  })
})

test('without a client the server says so, a device without assistants may start any', () => {
  const draft = { deviceId: 'pi_1', clientId: '', name: ' ', assistants: '', requestsPerMinute: '' }
  assert.deepEqual(deviceRequestOf(draft, { policy: 'off' }), {
    device_id: 'pi_1',
    binding: { policy: 'off' },
  })
})
