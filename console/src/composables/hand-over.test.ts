// What is handed over is complete: a file to save, a command to run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { apiKeyHandOver, deviceHandOver } from './hand-over.ts'

test('with an API key go the lines of its .env and a call that tries it', () => {
  const lines = apiKeyHandOver('sp_k', 'https://gateway.example.com').split('\n')
  assert.ok(lines.includes('SALLYPORT_URL=https://gateway.example.com'))
  assert.ok(lines.includes('SALLYPORT_API_KEY=sp_k'))
  assert.ok(lines.includes("curl -H 'X-API-Key: sp_k' https://gateway.example.com/api/health"))
})

test('with a device secret goes the configuration of the device program, as JSON', () => {
  const text = deviceHandOver({ id: 'pi_1', secret: 's' }, 'https://gateway.example.com')
  const config: unknown = JSON.parse(text.slice(text.indexOf('{'), text.indexOf('}') + 1))
  assert.deepEqual(config, {
    device_id: 'pi_1',
    device_secret: 's',
    proxy_url: 'https://gateway.example.com',
    vapi_assistant_id: '',
  })
})
