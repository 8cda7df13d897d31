// The values of the YAML file one by one, read along its JSON Schema, for `config show` and the page of the docs.
import { z } from 'zod'

export type ConfigFileRow = { key: string; value: string; source: 'file' | 'default'; help: string }

const nodeSchema = z.object({
  default: z.unknown().optional(),
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
})

/** Every leaf of the file: dotted key, value in force, and whether the file set it to something else than the default. */
export function describeConfigFile(values: unknown, jsonSchema: unknown, path = ''): ConfigFileRow[] {
  const node = nodeSchema.parse(jsonSchema)
  if (!node.properties) {
    // A section whose keys the operator chooses: their names, which hold no secret.
    if (typeof values === 'object' && values !== null) {
      const names = Object.keys(values).join(', ')
      return [
        { key: path, value: names || '–', source: names ? 'file' : 'default', help: node.description ?? '' },
      ]
    }
    const source = values === node.default ? 'default' : 'file'
    return [
      { key: path, value: values === undefined ? '–' : String(values), source, help: node.description ?? '' },
    ]
  }
  return Object.entries(node.properties).flatMap(([name, child]) => {
    const value = typeof values === 'object' && values !== null ? Reflect.get(values, name) : undefined
    return describeConfigFile(value, child, path === '' ? name : `${path}.${name}`)
  })
}
