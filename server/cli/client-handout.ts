// What is printed when a credential is made: the secret, once, and a text that can be handed on as it is.
import type { ClientItem, DeviceItem } from '@sallyport/contract'
import type { RemoteOptions, Target } from './target.ts'
import { printable } from './terminal.ts'

/** Where those who get the credential reach the gateway: the address named, else PUBLIC_URL of this machine. */
export function publicUrlOf(target: Target, options: RemoteOptions): string {
  return options.url === undefined ? (target.config().publicUrl ?? target.url) : target.url
}

export function describeCreatedKey(apiKey: string, remedy: string): string {
  return [
    `API key: ${apiKey}`,
    '',
    'Keep it now: it is shown this once and cannot be shown again, only its digest is stored.',
    `If it is lost: ${remedy}`,
  ].join('\n')
}

export function clientHandout(client: Pick<ClientItem, 'name'>, apiKey: string, url: string): string {
  return handout(`for ${printable(client.name)}`, [
    'This key is all that you need; it takes the place of the keys of OpenAI, Gemini and other providers.',
    '',
    'Your .env:',
    '',
    `SALLYPORT_URL=${url}`,
    `SALLYPORT_API_KEY=${apiKey}`,
    '',
    'Does it work?',
    '',
    `curl -H 'X-API-Key: ${apiKey}' ${url}/api/health`,
    '',
    'In the SDK of a provider change base URL and key, and nothing else. For OpenAI:',
    '',
    `OPENAI_BASE_URL=${url}/proxy/openai/v1`,
    `OPENAI_API_KEY=${apiKey}`,
  ])
}

export function deviceHandout(device: DeviceItem, deviceSecret: string, url: string): string {
  const config = {
    device_id: device.device_id,
    device_secret: deviceSecret,
    proxy_url: url,
    vapi_assistant_id: '',
  }
  return handout(`for the device ${device.device_id}`, [
    'config/device_config.json (mode 0600); vapi_assistant_id is the assistant that it calls:',
    '',
    JSON.stringify(config, null, 2),
    '',
    'sallyport-device --config config/device_config.json',
  ])
}

function handout(title: string, lines: readonly string[]): string {
  const rule = '-'.repeat(72)
  return [`Text to hand on ${title}, over a safe channel:`, rule, ...lines, rule].join('\n')
}
