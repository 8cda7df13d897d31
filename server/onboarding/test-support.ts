// For tests: Gemini and Exa at the wire, scripted, keeping which key asked for which topic.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export type SeenCall = { path: string; key: string; topic: string }

export type ScriptedProviders = {
  environment: Record<string, string>
  calls: SeenCall[]
  /** Calls that the other side left before their answer ended. */
  aborted: string[]
  /** In place of the usual answer of a path that holds `part`. */
  script(part: string, answer: ((response: ServerResponse) => void) | null): void
  /** Awaited before each answer. */
  delay: () => Promise<unknown>
}

export const modelUsage = { promptTokenCount: 11, candidatesTokenCount: 7, thoughtsTokenCount: 3 }

export async function startScriptedProviders(scope: {
  after(undo: () => unknown): void
}): Promise<ScriptedProviders> {
  const scripts = new Map<string, (response: ServerResponse) => void>()
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  scope.after(() => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const providers: ScriptedProviders = {
    environment: { GEMINI_BASE_URL: url, EXA_BASE_URL: url, COPILOTKIT_BASE_URL: url },
    calls: [],
    aborted: [],
    script: (part, give) => void (give ? scripts.set(part, give) : scripts.delete(part)),
    delay: async () => undefined,
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? ''
    response.once('close', () => {
      if (!response.writableFinished) providers.aborted.push(path)
    })
    const body = await text(request)
    const topic = /topic-[a-z0-9-]+/.exec(body)?.[0] ?? ''
    const {
      'x-goog-api-key': google,
      'x-api-key': exa,
      'x-copilotcloud-public-api-key': kit,
    } = request.headers
    providers.calls.push({ path, key: String(google ?? exa ?? kit ?? ''), topic })
    await providers.delay()
    const script = [...scripts].find(([part]) => path.includes(part))?.[1]
    if (script) return script(response)
    if (path.includes(':streamGenerateContent')) return writeModelAnswer(response, topic)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(path === '/search' ? searchAnswer(topic) : { models: [] }))
  }
  return providers
}

function searchAnswer(topic: string): object {
  const page = { id: 'a', url: `https://a.example/${topic}`, title: `On ${topic}`, text: 'Words.' }
  return { requestId: 'r', results: [page, { id: 'b', url: 'javascript:alert(1)', title: 'Bad' }] }
}

/** The model's JSON in small pieces, as the API streams it. */
export function writeModelAnswer(response: ServerResponse, topic: string): void {
  const json = JSON.stringify({ title: `About ${topic}`, content: `# ${topic}\n\n"Quoted" – text é 😀.` })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const piece of json.match(/.{1,9}/gsu) ?? []) response.write(modelEvent({ parts: [{ text: piece }] }))
  response.end(modelEvent({ parts: [{ text: '' }] }, { finishReason: 'STOP' }))
}

export function modelEvent(content: object, more: object = {}): string {
  const event = {
    candidates: [{ content: { role: 'model', ...content }, ...more }],
    usageMetadata: modelUsage,
  }
  return `data: ${JSON.stringify(event)}\r\n\r\n`
}
