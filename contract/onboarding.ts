// Shapes of the onboarding of end users: their provider keys, the six steps, and the blog that is written on those keys.
import { z } from 'zod'
import { providerKeyRequest } from './clients.ts'

const timestamp = z.iso.datetime()
const apiKeyText = providerKeyRequest.shape.api_key

/** The providers whose keys a user brings. */
export const onboardingProviders = ['gemini', 'exa', 'copilotkit'] as const
export type OnboardingProvider = (typeof onboardingProviders)[number]

/** What a user has to do, in order; optional steps may be skipped. */
export const onboardingSteps = [
  { title: 'AI LLM Providers', optional: false },
  { title: 'Website Analysis', optional: false },
  { title: 'AI Research', optional: false },
  { title: 'Personalization', optional: true },
  { title: 'Integrations', optional: true },
  { title: 'Complete Setup', optional: false },
] as const

/** Either one key or several; which one it is shows in the fields. Providers are named in the refusal of another one. */
export const onboardingKeysRequest = z
  .strictObject({
    provider: z.enum(onboardingProviders).optional(),
    api_key: apiKeyText.optional(),
    api_keys: z
      .strictObject({
        gemini: apiKeyText.optional(),
        exa: apiKeyText.optional(),
        copilotkit: apiKeyText.optional(),
      })
      .optional(),
  })
  .superRefine(({ provider, api_key, api_keys }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['api_keys'], message })
    const isSingle = provider !== undefined || api_key !== undefined
    if (isSingle && api_keys !== undefined)
      return refuse('must not stand beside provider and api_key; send one form')
    if (api_keys !== undefined) {
      if (Object.keys(api_keys).length === 0) refuse('must hold at least one key')
      return
    }
    if (provider === undefined || api_key === undefined) {
      refuse('is missing: send api_keys with keys by provider, or provider and api_key')
    }
  })
export type OnboardingKeysRequest = z.infer<typeof onboardingKeysRequest>
export const onboardingSavedAnswer = z.strictObject({
  message: z.string(),
  providers: z.array(z.enum(onboardingProviders)),
  status: z.literal('saved'),
})
export const onboardingKeysAnswer = z.strictObject({
  api_keys: z
    .record(z.string(), z.string())
    .describe('by provider: **** and the last 4 characters, never a key'),
})
export const onboardingRemovedAnswer = z.strictObject({
  message: z.string(),
  provider: z.enum(onboardingProviders),
  status: z.literal('removed'),
})
export const onboardingProviderParams = z.strictObject({
  provider: z.enum(onboardingProviders, {
    error: `is not a provider of the onboarding; it is one of: ${onboardingProviders.join(', ')}`,
  }),
})
/** Without a key the saved one is asked about. */
export const validateKeyRequest = z.strictObject({ api_key: apiKeyText.optional() }).prefault({})
export const validateKeyAnswer = z.strictObject({ valid: z.boolean(), message: z.string() })

export const onboardingStatus = z.strictObject({
  user_id: z.string(),
  current_step: z.number().int(),
  progress: z.number().describe('percent: current_step / 6 × 100'),
  is_completed: z.boolean(),
  started_at: timestamp,
  completed_at: timestamp.nullable(),
})
export type OnboardingStatus = z.infer<typeof onboardingStatus>

const stepSummary = {
  step_number: z.number().int(),
  title: z.string(),
  status: z.enum(['pending', 'in_progress', 'completed', 'skipped']),
  completed_at: timestamp.nullable(),
}
export const onboardingProgress = z.strictObject({
  current_step: z.number().int(),
  progress: z.number(),
  steps: z.array(z.strictObject(stepSummary)),
})
export type OnboardingProgress = z.infer<typeof onboardingProgress>

/** Any text: what is no step looks absent. */
export const onboardingStepParams = z.strictObject({ n: z.string().max(64) })
export const stepData = z.record(z.string(), z.json())
export type StepData = z.infer<typeof stepData>
export const onboardingStep = z.strictObject({
  ...stepSummary,
  optional: z.boolean(),
  data: stepData.nullable().describe('what was sent when the step was completed'),
})
export type OnboardingStep = z.infer<typeof onboardingStep>
export const completeStepRequest = z.strictObject({ data: stepData.default({}) }).prefault({})

const line = (charactersMax: number) => z.string().trim().min(1).max(charactersMax)
export const blogRequest = z.strictObject({
  topic: line(1000),
  tone: line(100).optional(),
  audience: line(200).optional(),
  words: z.number().int().min(50).max(5000).default(800).describe('about how many words'),
  research: z.boolean().default(true).describe('false: no sources are looked for'),
})
export type BlogRequest = z.infer<typeof blogRequest>

export const blogSource = z.strictObject({ title: z.string(), url: z.string() })
export type BlogSource = z.infer<typeof blogSource>
export const blogAnswer = z.strictObject({
  title: z.string(),
  content: z.string().describe('Markdown'),
  sources: z.array(blogSource),
  usage: z.strictObject({ tokens_in: z.number().int(), tokens_out: z.number().int() }),
  user_id: z.string(),
})
export type BlogAnswer = z.infer<typeof blogAnswer>
