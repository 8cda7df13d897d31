// For tests: pictures that are JPEGs by their form, and a model's API that answers what it is told to.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** Width 64, height 48, and as many bytes as asked; `mark` makes two of them differ. */
export function makeJpeg(
  options: { bytes?: number; mark?: string; width?: number; height?: number } = {},
): Buffer {
  const { bytes = 0, mark = '', width = 64, height = 48 } = options
  const startOfFrame = Buffer.from([
    0xff,
    0xc0,
    0,
    11,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    1,
    1,
    0x11,
    0,
  ])
  const comment = Buffer.from(mark)
  const head = Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xfe, 0, comment.length + 2]),
    comment,
    startOfFrame,
    Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]),
  ])
  const end = Buffer.from([0xff, 0xd9])
  return Buffer.concat([head, Buffer.alloc(Math.max(0, bytes - head.length - end.length), 0x55), end])
}

/** What a model says by the schema it is given. */
export const makeVerdict = (isIncident: boolean, changes: object = {}) => ({
  incident_detected: isIncident,
  incident_type: isIncident ? 'theft' : '',
  risk_level: isIncident ? 'HIGH' : 'LOW',
  description: 'a person at a door',
  analysis: isIncident ? 'somebody takes a bag' : 'nothing happens',
  ...changes,
})

/** What Gemini reports with each of these answers. */
export const geminiUsage = {
  promptTokenCount: 1000,
  candidatesTokenCount: 40,
  thoughtsTokenCount: 2,
  cachedContentTokenCount: 10,
}

/** An answer of Gemini that says `answer`; `changes` are those of its candidate. */
export const geminiReply = (answer: unknown, changes: object = {}): Reply => ({
  body: {
    candidates: [
      {
        finishReason: 'STOP',
        content: { parts: [{ text: typeof answer === 'string' ? answer : JSON.stringify(answer) }] },
        ...changes,
      },
    ],
    usageMetadata: geminiUsage,
  },
})

export type Seen = {
  path: string
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
  images: string[]
  prompt: string
}
export type Reply = { status?: number; headers?: Record<string, string>; body: unknown } | 'silence'

/** Answers with `replies` in turn, the last one for ever. */
export async function openModel(test: { after(close: () => void): void }, replies: Reply[]) {
  const seen: Seen[] = []
  const arrived = Promise.withResolvers<void>()
  const cut = Promise.withResolvers<void>()
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request))
    seen.push({ path: request.url ?? '', headers: request.headers, body, ...readQuestion(body) })
    const reply = replies.length > 1 ? replies.shift() : replies[0]
    arrived.resolve()
    response.once('close', () => cut.resolve())
    if (!reply || reply === 'silence') return
    const answer = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body)
    response
      .writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
      .end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    ...{ seen, arrived: arrived.promise, cut: cut.promise },
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  }
}

function readQuestion(body: Record<string, unknown>): Pick<Seen, 'images' | 'prompt'> {
  const parts = (body.contents ?? body.messages) as Record<string, unknown>[]
  const content = (parts[0]?.parts ?? parts[0]?.content) as Record<string, never>[]
  const images = content.flatMap((part) => {
    const { inlineData, image_url: link } = part as {
      inlineData?: { data: string; mimeType: string }
      image_url?: { url: string }
    }
    if (inlineData) return inlineData.mimeType === 'image/jpeg' ? [inlineData.data] : ['no JPEG']
    return link ? [link.url.replace('data:image/jpeg;base64,', '')] : []
  })
  return { images, prompt: String((content[0] as { text?: string } | undefined)?.text) }
}
