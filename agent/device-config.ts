// Configuration of the device program: a JSON file, the environment over it.
import { readFileSync } from 'node:fs'

export type DeviceConfig = {
  deviceId: string
  deviceSecret: string
  proxyUrl: string
  /** Null: no call is started, the device only stays signed in. */
  vapiAssistantId: string | null
}

export class DeviceConfigError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DeviceConfigError'
  }
}

const fields = {
  device_id: { variable: 'DEVICE_ID', example: 'pi_urbanjungle_001' },
  device_secret: { variable: 'DEVICE_SECRET', example: 'spd_…' },
  proxy_url: { variable: 'PROXY_URL', example: 'https://gateway.example.com' },
  vapi_assistant_id: { variable: 'VAPI_ASSISTANT_ID', example: '3f0a…' },
} as const
type Field = keyof typeof fields

/**
 * `path` null: everything comes from the environment. Throws DeviceConfigError naming the field, what is wrong and both
 * places where it can be set; the value of a secret is not repeated.
 */
export function readDeviceConfig(
  path: string | null,
  env: Readonly<Record<string, string | undefined>>,
): DeviceConfig {
  const file = path === null ? {} : readFile(path)
  const read = (field: Field): string | null => {
    const value = env[fields[field].variable]?.trim() || file[field]
    if (value === undefined || value === null || value === '') return null
    if (typeof value === 'string') return value
    throw new DeviceConfigError(`${field} must be a text. Example: "${fields[field].example}"`)
  }
  const need = (field: Field): string => {
    const value = read(field)
    if (value !== null) return value
    throw new DeviceConfigError(
      `${field} is missing: set it in the configuration file or as ${fields[field].variable}. Example: ${fields[field].example}`,
    )
  }
  const proxyUrl = need('proxy_url')
  if (!/^https?:\/\//.test(proxyUrl) || !URL.canParse(proxyUrl)) {
    throw new DeviceConfigError(
      `proxy_url "${proxyUrl}" is not an http address. Example: ${fields.proxy_url.example}`,
    )
  }
  return {
    deviceId: need('device_id'),
    deviceSecret: need('device_secret'),
    proxyUrl,
    vapiAssistantId: read('vapi_assistant_id'),
  }
}

function readFile(path: string): Partial<Record<Field, unknown>> {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read'
    throw new DeviceConfigError(`${path} ${reason}`)
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new DeviceConfigError(`${path} must hold one object with ${Object.keys(fields).join(', ')}`)
  }
  const unknown = Object.keys(content).find((name) => !(name in fields))
  if (unknown !== undefined)
    throw new DeviceConfigError(
      `${path}: "${unknown}" is not a field; known are ${Object.keys(fields).join(', ')}`,
    )
  return content
}
