// Any OpenAI-compatible vision model as the analysing one: a chat completion whose answer has to keep a JSON schema.
import { z } from 'zod'
import type { AskModel, ModelAccess, ModelReply } from './model-exchange.ts'
import { verdictJsonSchema } from './verdict.ts'

const count = z.number().int().min(0).max(1e9).catch(0).default(0)
const answerSchema = z.object({
  choices: z
    .array(
      z.object({
        finish_reason: z.string().nullable().optional(),
        message: z.object({
          content: z.string().nullable().optional(),
          refusal: z.string().nullable().optional(),
        }),
      }),
    )
    .min(1),
  usage: z
    .object({
      prompt_tokens: count,
      completion_tokens: count,
      prompt_tokens_details: z.object({ cached_tokens: count }).nullable().optional(),
    })
    .nullable()
    .optional(),
})

export function createOpenAiModel({ baseUrl, key, send }: ModelAccess): AskModel {
  return async ({ model, prompt, frames, signal }) => {
    const body = {
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: prompt },
            ...frames.map(({ jpeg }) => ({
              type: 'image_url',
              image_url: { url: `data:image/jpeg;base64,${jpeg.toString('base64')}` },
            })),
          ],
        },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'verdict', strict: true, schema: verdictJsonSchema },
      },
    }
    const answer = await send(
      `${baseUrl}/v1/chat/completions`,
      {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          authorization: `Bearer ${key.reveal()}`,
        },
        body: JSON.stringify(body),
        signal,
      },
      key,
    )
    return toReply(answer)
  }
}

function toReply(text: string): ModelReply {
  const parsed = answerSchema.safeParse(parse(text))
  if (!parsed.success) return { text: null, blockedBy: null, tokens: null }
  const { choices, usage } = parsed.data
  const [choice] = choices
  const { finish_reason: finish, message } = choice ?? { finish_reason: null, message: {} }
  const isWhole = finish === 'stop' || finish === null || finish === undefined
  return {
    text: isWhole && !message.refusal ? (message.content ?? null) : null,
    blockedBy: message.refusal ? 'refusal' : isWhole ? null : finish,
    tokens: usage
      ? {
          tokensIn: usage.prompt_tokens,
          tokensOut: usage.completion_tokens,
          tokensCached: Math.min(usage.prompt_tokens_details?.cached_tokens ?? 0, usage.prompt_tokens),
        }
      : null,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
