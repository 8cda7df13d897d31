// The providers of this installation: the built-in ones as the configuration changes them, and those it adds.
import type { BuiltInProvider, Config } from '../config/config.ts'
import { anthropic } from './anthropic.ts'
import { copilotkit } from './copilotkit.ts'
import { exa } from './exa.ts'
import { gemini } from './gemini.ts'
import { openai } from './openai.ts'
import { type KeySlot, type ProviderDefinition, plainBodyRules } from './provider.ts'
import { vapi } from './vapi.ts'

export type CatalogueConfig = Pick<Config, 'providers' | 'providerEnvironment'>

const builtIn: Readonly<Record<BuiltInProvider, ProviderDefinition>> = {
  openai,
  anthropic,
  gemini,
  exa,
  vapi,
  copilotkit,
}

/** What the file says wins over the definition, an address in the environment over both. */
export function createCatalogue(config: CatalogueConfig): Map<string, ProviderDefinition> {
  const names = new Set([...Object.keys(builtIn), ...Object.keys(config.providers)])
  const definitions = [...names].map((name) => describe(name, config))
  return new Map(definitions.map((definition) => [definition.name, definition]))
}

function describe(name: string, config: CatalogueConfig): ProviderDefinition {
  const base = isBuiltIn(name) ? builtIn[name] : unknownProvider(name)
  const entry = config.providers[name]
  return {
    name,
    baseUrl: config.providerEnvironment[name]?.baseUrl ?? entry?.base_url ?? base.baseUrl,
    keySlot: entry?.key_slot ? toKeySlot(entry.key_slot) : base.keySlot,
    keySource: entry?.key_source ?? base.keySource,
    pricedBy: entry?.priced_by ?? base.pricedBy,
    usage: entry?.usage ?? base.usage,
    statelessRoutes: entry?.stateless_routes ?? base.statelessRoutes,
    sharedHeaders: [...base.sharedHeaders, ...(entry?.shared_headers ?? [])],
    sharedQuery: [...base.sharedQuery, ...(entry?.shared_query ?? [])],
    bodyRules: base.bodyRules,
  }
}

function isBuiltIn(name: string): name is BuiltInProvider {
  return Object.hasOwn(builtIn, name)
}

/** Where a described provider starts from; the configuration was checked to name its address and slot. */
function unknownProvider(name: string): ProviderDefinition {
  return {
    name,
    baseUrl: '',
    keySlot: { kind: 'header', name: 'authorization', prefix: 'Bearer ' },
    keySource: null,
    pricedBy: 'call',
    usage: null,
    statelessRoutes: [],
    sharedHeaders: [],
    sharedQuery: [],
    bodyRules: plainBodyRules,
  }
}

function toKeySlot(slot: NonNullable<CatalogueConfig['providers'][string]['key_slot']>): KeySlot {
  return 'header' in slot
    ? { kind: 'header', name: slot.header, prefix: slot.prefix }
    : { kind: 'query', name: slot.query }
}
