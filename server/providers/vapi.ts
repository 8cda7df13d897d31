// VAPI: voice calls. All its routes keep things, so the shared key serves the routes of devices only.
import { type ProviderDefinition, plainBodyRules } from './provider.ts'

export const vapi: ProviderDefinition = {
  name: 'vapi',
  baseUrl: 'https://api.vapi.ai',
  keySlot: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
  keySource: null,
  pricedBy: 'call',
  usage: null,
  statelessRoutes: [],
  sharedHeaders: [],
  sharedQuery: [],
  bodyRules: plainBodyRules,
}
