// For the tests of the command line: runs a command with captured output, and a real HTTP server with prepared answers.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import type { TestContext } from 'node:test'
import { runCommandLine } from './program.ts'

export type RunResult = { exitCode: number; stdout: string; stderr: string }

export type RunOptions = {
  env?: Record<string, string>
  workingDir?: string
  /** What arrives on standard input; a terminal when it is typed. */
  input?: string
  typed?: string
  now?: () => number
}

/** 2026-11-20T12:00:00Z, the time that every command of these tests sees. */
export const testNowMs = Date.UTC(2026, 10, 20, 12)

export async function runCommand(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const stdout = createSink()
  const stderr = createSink()
  const exitCode = await runCommandLine(args, {
    env: options.env ?? {},
    workingDir: options.workingDir ?? tmpdir(),
    stdin: createInput(options),
    stdout: stdout.stream,
    stderr: stderr.stream,
    now: options.now ?? (() => testNowMs),
    exitCode: 0,
  })
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() }
}

function createInput({ input, typed }: RunOptions): Readable & { isTTY?: boolean } {
  if (typed === undefined) return Readable.from(input === undefined ? [] : [Buffer.from(input)])
  const terminal = Object.assign(new PassThrough(), { isTTY: true })
  terminal.end(`${typed}\n`)
  return terminal
}

function createSink() {
  const parts: Buffer[] = []
  const stream = new Writable({
    write(part, _encoding, done) {
      parts.push(Buffer.from(part))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(parts).toString('utf8') }
}

/** An empty folder that is gone after the test. */
export function createTestFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'))
  test.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export type ReceivedRequest = { method: string; url: string; authorization: string | undefined; body: string }
export type PreparedAnswer = {
  status?: number
  headers?: Record<string, string>
  body: object | string
}

/** A server that answers `METHOD /path` (without the query) as prepared and keeps what it received. */
export async function startAnsweringServer(test: TestContext, answers: Record<string, PreparedAnswer>) {
  const received: ReceivedRequest[] = []
  const server = createServer(async (request, response) => {
    const body = await Array.fromAsync(request, (part: Buffer) => part.toString('utf8'))
    const { method = '', url = '' } = request
    received.push({ method, url, authorization: request.headers.authorization, body: body.join('') })
    const answer = answers[`${method} ${url.split('?', 1)[0]}`] ?? notFound
    response.writeHead(answer.status ?? 200, answer.headers ?? {})
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, port, received }
}

export function errorAnswer(
  status: number,
  code: string,
  message: string,
  details?: string[],
): PreparedAnswer {
  return {
    status,
    body: {
      error: { message, type: 'sallyport_error', code, request_id: 'req-1', ...(details && { details }) },
    },
  }
}

const notFound = errorAnswer(404, 'not_found', 'There is nothing at this path.')

/** A gateway that lets the password of `signedIn` in and answers the rest as prepared. */
export async function startGatewayStandIn(test: TestContext, answers: Record<string, PreparedAnswer>) {
  const login = { body: { access_token: 'session-token', token_type: 'bearer', expires_in: 28_800 } }
  return await startAnsweringServer(test, { 'POST /admin/api/login': login, ...answers })
}

export const signedIn = { SALLYPORT_ADMIN_PASSWORD: 'a password for tests' }
