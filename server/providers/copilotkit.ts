// CopilotKit's cloud. Its runtime keeps threads, so none of its routes is open on the shared key.
import { type ProviderDefinition, plainBodyRules } from './provider.ts'

export const copilotkit: ProviderDefinition = {
  name: 'copilotkit',
  baseUrl: 'https://api.cloud.copilotkit.ai',
  keySlot: { kind: 'header', name: 'x-copilotcloud-public-api-key', prefix: '' },
  keySource: null,
  pricedBy: 'call',
  usage: null,
  statelessRoutes: [],
  sharedHeaders: [],
  sharedQuery: [],
  bodyRules: plainBodyRules,
}
