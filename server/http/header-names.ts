// Names of headers that decide who calls, from where, and where a message ends: nothing may pass for one of them.

/** Headers that can carry a token (the query parameter `key` is the sixth carrier). */
export const credentialHeaders = [
  'authorization',
  'x-api-key',
  'x-goog-api-key',
  'mj-api-secret',
  'sec-websocket-protocol',
] as const

const decidingHeaders = new Set<string>([
  ...credentialHeaders,
  'connection',
  'content-length',
  'cookie',
  'expect',
  'forwarded',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-real-ip',
])

/** `name` in lower case and with dashes. */
export function isDecidingHeader(name: string): boolean {
  return decidingHeaders.has(name) || name.startsWith('x-forwarded-')
}
