// Texts that an operator hands on with a new secret: where it goes, and a command that tries it.

export function apiKeyHandOver(apiKey: string, gatewayUrl: string): string {
  return [
    '# .env',
    `SALLYPORT_URL=${gatewayUrl}`,
    `SALLYPORT_API_KEY=${apiKey}`,
    '',
    `curl -H 'X-API-Key: ${apiKey}' ${gatewayUrl}/api/health`,
  ].join('\n')
}

export function deviceHandOver(device: { id: string; secret: string }, gatewayUrl: string): string {
  const config = { device_id: device.id, device_secret: device.secret, proxy_url: gatewayUrl }
  return [
    '# config/device_config.json',
    JSON.stringify({ ...config, vapi_assistant_id: '' }, null, 2),
    '',
    'sallyport-device --config config/device_config.json',
  ].join('\n')
}
