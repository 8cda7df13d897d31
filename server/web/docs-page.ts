// The API's documentation as one page without a script, rendered from its OpenAPI document.

type Schema = Record<string, unknown>
type Content = Record<string, { schema?: Schema }>
type Operation = {
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema; description?: string }[]
  requestBody?: { content: Content }
  responses?: Record<string, { content?: Content }>
}
/** The part of an OpenAPI document that the page shows. */
export type OpenApiDocument = {
  info: { title: string; version: string }
  paths: Record<string, Record<string, Operation>>
}

export const docsStyle = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid #8884; border-radius: 6px; }
summary { cursor: pointer; padding: 0.5rem 0; }
details { border-bottom: 1px solid #8884; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; }
`

export function renderDocsPage(document: OpenApiDocument): string {
  const { title, version } = document.info
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? ''))]
  const sections = tags.map((tag) => {
    const ofTag = operations.filter(({ operation }) => (operation.tags?.[0] ?? '') === tag)
    return `<section><h2>${escapeHtml(tag)}</h2>${ofTag.map(renderOperation).join('')}</section>`
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><link rel="stylesheet" href="/docs/style.css"></head>
<body><main><h1>${escapeHtml(title)} ${escapeHtml(version)}</h1>
<p>The same as OpenAPI: <a href="/docs/json">/docs/json</a>. Unless a route says otherwise it needs
<code>Authorization: Bearer</code> with the token of <code>POST /admin/api/login</code>. Every error has the same
form: <code>{"error": {"message", "type": "sallyport_error", "code", "request_id"}}</code>.</p>
${sections.join('\n')}</main></body></html>
`
}

function renderOperation(entry: { path: string; method: string; operation: Operation }): string {
  const { path, method, operation } = entry
  const { security } = operation
  const names = security?.flatMap((scheme) => Object.keys(scheme)) ?? []
  const asks =
    names.length > 0 ? `Needs ${names.join(' or ').replaceAll('_', ' ')}.` : 'Needs no authentication.'
  const answers = Object.entries(operation.responses ?? {})
    .filter(([status]) => !/^[45]XX$/.test(status))
    .map(([status, { content }]) => renderContent(`Answer ${status}`, content))
  return `<details><summary><code>${method.toUpperCase()} ${escapeHtml(path)}</code>
${escapeHtml(operation.summary ?? '')}</summary>${security ? `<p>${escapeHtml(asks)}</p>` : ''}${renderParameters(operation)}
${renderContent('Body', operation.requestBody?.content)}${answers.join('')}</details>`
}

function renderParameters({ parameters = [] }: Operation): string {
  if (parameters.length === 0) return ''
  const rows = parameters.map(
    ({ name, in: place, required, schema, description }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${escapeHtml(place)}${required ? ', required' : ''}</td>
<td>${escapeHtml(description ?? '')}</td><td><code>${escapeHtml(JSON.stringify(schema ?? {}))}</code></td></tr>`,
  )
  return `<table>${rows.join('')}</table>`
}

function renderContent(title: string, content: Content | undefined): string {
  return Object.entries(content ?? {})
    .map(
      ([type, { schema }]) =>
        `<h3>${escapeHtml(title)} <code>${escapeHtml(type)}</code></h3>
<pre>${escapeHtml(JSON.stringify(schema ?? {}, null, 2))}</pre>`,
    )
    .join('')
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character)
}
