// Gemini as the analysing model, through Google's own library; loaded when the first analysis needs it.
import { z } from 'zod'
import type { AskModel, ModelAccess, ModelReply } from './model-exchange.ts'
import { verdictJsonSchema } from './verdict.ts'

const count = z.number().int().min(0).max(1e9).catch(0).default(0)
const answerSchema = z.object({
  promptFeedback: z.object({ blockReason: z.string().optional() }).optional(),
  candidates: z
    .array(
      z.object({
        finishReason: z.string().optional(),
        content: z
          .object({
            parts: z
              .array(z.object({ text: z.string().optional(), thought: z.boolean().optional() }))
              .optional(),
          })
          .optional(),
      }),
    )
    .optional(),
  usageMetadata: z
    .object({
      promptTokenCount: count,
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      cachedContentTokenCount: count,
    })
    .optional(),
})

export function createGeminiModel({ baseUrl, key, send }: ModelAccess): AskModel {
  return async ({ model, prompt, frames, signal }) => {
    const { GoogleGenAI, Type } = await import('@google/genai')
    const { properties, required } = verdictJsonSchema
    const text = { type: Type.STRING }
    // The library keeps to itself what the answer's head says; here it is read before the library sees it.
    const limitedFetch: typeof fetch = async (url, init) =>
      new Response(await send(String(url), { ...(init as object), signal }, key), {
        headers: { 'content-type': 'application/json' },
      })
    const client = new GoogleGenAI({
      apiKey: key.reveal(),
      httpOptions: { baseUrl, apiVersion: 'v1beta', fetch: limitedFetch },
    })
    const answer = await client.models.generateContent({
      model,
      contents: [
        {
          role: 'user',
          parts: [
            { text: prompt },
            ...frames.map(({ jpeg }) => ({
              inlineData: { mimeType: 'image/jpeg', data: jpeg.toString('base64') },
            })),
          ],
        },
      ],
      config: {
        abortSignal: signal,
        responseMimeType: 'application/json',
        responseSchema: {
          type: Type.OBJECT,
          properties: {
            incident_detected: { type: Type.BOOLEAN },
            incident_type: text,
            risk_level: { ...text, enum: properties.risk_level.enum },
            description: text,
            analysis: text,
          },
          required,
        },
      },
    })
    return toReply(answer)
  }
}

function toReply(answer: unknown): ModelReply {
  const parsed = answerSchema.safeParse(answer)
  if (!parsed.success) return { text: null, blockedBy: null, tokens: null }
  const { promptFeedback, candidates, usageMetadata: usage } = parsed.data
  const candidate = candidates?.[0]
  const parts = candidate?.content?.parts?.filter(({ thought }) => thought !== true) ?? []
  const isWhole = candidate?.finishReason === undefined || candidate.finishReason === 'STOP'
  return {
    text: isWhole && parts.length > 0 ? parts.map((part) => part.text ?? '').join('') : null,
    blockedBy: promptFeedback?.blockReason ?? (isWhole ? null : (candidate?.finishReason ?? null)),
    tokens: usage
      ? {
          tokensIn: usage.promptTokenCount,
          tokensOut: usage.candidatesTokenCount + usage.thoughtsTokenCount,
          tokensCached: Math.min(usage.cachedContentTokenCount, usage.promptTokenCount),
        }
      : null,
  }
}
