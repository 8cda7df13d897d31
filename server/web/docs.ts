// /docs: the API described by the very schemas that check it, as OpenAPI (/docs/json) and as a page.
import type { SwaggerTransform } from '@fastify/swagger'
import { docsStyle, type OpenApiDocument, renderDocsPage } from './docs-page.ts'
import { type AddRoutes, createWebApi, type WebApi } from './web-api.ts'

type DocsDependencies = { addRoutes: AddRoutes; bodyBytesMax: number; version: string }

const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The document is made on the first request for it: no start should wait for it, and few gateways are ever asked. */
export function addDocsRoutes(api: WebApi, dependencies: DocsDependencies): void {
  let document: Promise<OpenApiDocument> | null = null
  const readDocument = () => {
    document ??= describeApi(dependencies).catch((error: unknown) => {
      document = null
      throw error
    })
    return document
  }
  const schema = { hide: true }
  api.get('/docs/json', { schema }, async (_request, reply) => {
    reply.type('application/json; charset=utf-8')
    return JSON.stringify(await readDocument())
  })
  api.get('/docs', { schema }, async (_request, reply) => {
    reply.type('text/html; charset=utf-8').header('content-security-policy', contentSecurityPolicy)
    return renderDocsPage(await readDocument())
  })
  api.get('/docs/style.css', { schema }, async (_request, reply) => {
    reply.type('text/css; charset=utf-8')
    return docsStyle
  })
}

/** Adds the same routes to an instance that serves nobody, because the describer must be there before the routes. */
async function describeApi(dependencies: DocsDependencies): Promise<OpenApiDocument> {
  const [{ default: swagger }, { jsonSchemaTransform }] = await Promise.all([
    import('@fastify/swagger'),
    import('fastify-type-provider-zod'),
  ])
  const api = createWebApi(dependencies.bodyBytesMax)
  await api.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sallyport API', version: dependencies.version },
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'an admin’s token' },
          api_key: { type: 'http', scheme: 'bearer', description: 'an API key of a client' },
          api_key_header: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          device_token: { type: 'http', scheme: 'bearer', description: 'a token of POST /device/auth' },
          user_token: { type: 'http', scheme: 'bearer', description: 'a token of the identity provider' },
          console: { type: 'apiKey', in: 'cookie', name: 'sallyport_session' },
        },
      },
      security: [{ bearer: [] }, { console: [] }],
    },
    transform: (route) => describeRawBodies(jsonSchemaTransform(route)),
  })
  dependencies.addRoutes(api)
  await api.ready()
  const document = api.swagger() as OpenApiDocument
  await api.close()
  return document
}

type Described = ReturnType<SwaggerTransform>

/** A route that takes more than JSON names all in `consumes`; the schema of its body is that of the JSON alone. */
function describeRawBodies({ schema, url }: Described): Described {
  const { body, consumes } = schema
  if (!body || !consumes) return { schema, url }
  const content = Object.fromEntries(
    consumes.map((type) => [type, { schema: type === 'application/json' ? body : rawBody }]),
  )
  return { schema: { ...schema, body: { content } }, url }
}

const rawBody = { type: 'string', format: 'binary' }
