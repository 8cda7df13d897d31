// Serves the built console from its folder: strict CSP, hashed assets for a year, the page itself fresh each time.
import { type FileHandle, open } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { AppError } from '@sallyport/contract'
import type { CallContext } from './call-context.ts'
import type { Handler } from './reception.ts'

export type StaticFilesOptions = {
  /** Where the build lies, for example `console/dist`. */
  folder: string
  /** Path under which it is served, with slashes at both ends. */
  basePath: string
}

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
}
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ')

/** No segment begins with a dot, so that nothing climbs out of the folder or shows a hidden file. */
const safeName = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/
const page = 'index.html'

type OpenFile = { handle: FileHandle; size: number; tag: string; isCompressed: boolean }

export function createStaticFiles({ folder, basePath }: StaticFilesOptions): Handler {
  return async function serveStaticFile(request, response, context) {
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new AppError('method_not_allowed')
    if (`${context.path}/` === basePath) {
      response.writeHead(308, { Location: basePath }).end()
      return
    }
    const name = fileNameOf(context.path.slice(basePath.length))
    const file = await openFile(folder, name, acceptsGzip(request))
    if (file === null) throw new AppError(name === page ? 'console_not_built' : 'not_found')
    await sendFile({ request, response, context, name, file })
  }
}

/** Routes of the page itself have no extension: all of them are the page. */
function fileNameOf(rest: string): string {
  return extname(rest) === '' ? page : rest
}

function acceptsGzip(request: IncomingMessage): boolean {
  const accepted = request.headers['accept-encoding']
  return typeof accepted === 'string' && /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(accepted)
}

async function openFile(folder: string, name: string, gzip: boolean): Promise<OpenFile | null> {
  if (!safeName.test(name)) return null
  const path = join(folder, name)
  const compressed = gzip ? await openRegular(`${path}.gz`) : null
  if (compressed) return { ...compressed, isCompressed: true }
  const plain = await openRegular(path)
  return plain && { ...plain, isCompressed: false }
}

async function openRegular(path: string): Promise<Omit<OpenFile, 'isCompressed'> | null> {
  let handle: FileHandle | null = null
  try {
    handle = await open(path)
    const { size, mtimeMs, ino } = await handle.stat()
    return {
      handle,
      size,
      tag: `"${size.toString(36)}-${Math.trunc(mtimeMs).toString(36)}-${ino.toString(36)}"`,
    }
  } catch (error) {
    await handle?.close()
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ENOTDIR') return null
    throw error
  }
}

async function sendFile(answer: {
  request: IncomingMessage
  response: ServerResponse
  context: CallContext
  name: string
  file: OpenFile
}): Promise<void> {
  const { request, response, context, name, file } = answer
  const isUnchanged = request.headers['if-none-match'] === file.tag
  response.writeHead(isUnchanged ? 304 : 200, headersFor(name, file))
  if (isUnchanged || request.method === 'HEAD' || file.size === 0) {
    await file.handle.close()
    response.end()
    return
  }
  context.bytesOut = file.size
  try {
    await pipeline(file.handle.createReadStream(), response)
  } catch (error) {
    if (!isClientGone(error)) throw error
  }
}

function isClientGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

function headersFor(name: string, file: OpenFile): Record<string, string | number> {
  return {
    'Content-Type': contentTypes[extname(name)] ?? 'application/octet-stream',
    'Content-Length': file.size,
    ...(file.isCompressed ? { 'Content-Encoding': 'gzip' } : {}),
    'Cache-Control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    'Content-Security-Policy': contentSecurityPolicy,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    ETag: file.tag,
    Vary: 'Accept-Encoding',
  }
}
