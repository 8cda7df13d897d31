// The rules of the six steps, as functions of a session: what is open, what a completion changes, why it is refused.
import {
  AppError,
  type OnboardingProgress,
  type OnboardingStatus,
  type OnboardingStep,
  onboardingSteps,
  type StepData,
  type UserOnboarding,
} from '@sallyport/contract'
import type { Session, StepRecord } from './session-store.ts'

const lastStep = onboardingSteps.length

/** Null: there is no such step. Only the plain spelling counts: `03` is no step. */
export function parseStepNumber(text: string): number | null {
  const number = /^[1-9]$/.test(text) ? Number(text) : 0
  return number >= 1 && number <= lastStep ? number : null
}

/** Why step `number` can't be completed now; empty: it can. */
export function findObstacles(session: Session, number: number, hasGeminiKey: boolean): string[] {
  const reasons = findLocks(session, number)
  if (number === 1 && !hasGeminiKey) reasons.push(geminiKeyNeeded)
  return reasons
}

/** A step opens when all before it are completed or skipped. */
export function findLocks({ steps }: Session, number: number): string[] {
  return numbers()
    .filter((before) => before < number && steps[before] === undefined)
    .map(
      (before) =>
        `Step ${before} (${titleOf(before)}) is to be completed${isOptional(before) ? ' or skipped' : ''} first.`,
    )
}

export function findSkipObstacles(session: Session, number: number): string[] {
  const reasons = findLocks(session, number)
  if (!isOptional(number)) {
    reasons.push(`Step ${number} (${titleOf(number)}) is required and cannot be skipped.`)
  }
  return reasons
}

/** Why the onboarding is not complete; the last step completes with it. */
export function findOpenEnds({ steps }: Session, hasGeminiKey: boolean): string[] {
  const reasons = numbers()
    .filter((number) => number < lastStep && steps[number] === undefined)
    .map((number) => {
      const missing = isOptional(number) ? 'neither completed nor skipped' : 'not completed'
      return `Step ${number} (${titleOf(number)}) is ${missing}.`
    })
  if (!hasGeminiKey) reasons.push(geminiKeyNeeded)
  return reasons
}

/** The session after step `number` ended; it never leads back to an earlier step, and with all steps done it is complete. */
export function endStep(session: Session, number: number, record: StepRecord): Session {
  const steps = { ...session.steps, [number]: record }
  const isComplete = numbers().every((each) => steps[each] !== undefined)
  return {
    ...session,
    steps,
    currentStep: Math.max(session.currentStep, Math.min(number + 1, lastStep)),
    completedAt: session.completedAt ?? (isComplete ? new Date(record.at) : null),
  }
}

export function endOnboarding(session: Session, now: Date): Session {
  if (session.completedAt) return session
  const record = { status: 'completed', at: now.toISOString(), data: null } as const
  return endStep(session, lastStep, session.steps[lastStep] ?? record)
}

export function startAgain(session: Session, now: Date): Session {
  return { clientId: session.clientId, currentStep: 1, steps: {}, startedAt: now, completedAt: null }
}

export function toStatus(session: Session, userId: string): OnboardingStatus {
  return { user_id: userId, ...toState(session) }
}

/** How far it is, whoever's it is. */
export function toState(session: Session): UserOnboarding {
  return {
    current_step: session.currentStep,
    progress: progressOf(session),
    is_completed: session.completedAt !== null,
    started_at: session.startedAt.toISOString(),
    completed_at: session.completedAt?.toISOString() ?? null,
  }
}

export function toProgress(session: Session): OnboardingProgress {
  return {
    current_step: session.currentStep,
    progress: progressOf(session),
    steps: numbers().map((number) => toSummary(session, number)),
  }
}

export function toStep(session: Session, number: number): OnboardingStep {
  const data: StepData | null = session.steps[number]?.data ?? null
  return { ...toSummary(session, number), optional: isOptional(number), data }
}

/** The refusal of a step, with every reason. */
export function refusal(reasons: readonly string[]): AppError {
  return new AppError('malformed_request', { message: reasons.join(' '), details: reasons })
}

const geminiKeyNeeded = 'A gemini key is to be saved first: POST /api/onboarding/api-keys.'

function toSummary(session: Session, number: number): OnboardingProgress['steps'][number] {
  const record = session.steps[number]
  const open = number === session.currentStep ? 'in_progress' : 'pending'
  return {
    step_number: number,
    title: titleOf(number),
    status: record?.status ?? open,
    completed_at: record?.status === 'completed' ? record.at : null,
  }
}

function progressOf({ currentStep }: Session): number {
  return (currentStep * 100) / lastStep
}

function numbers(): number[] {
  return onboardingSteps.map((_, index) => index + 1)
}

function titleOf(number: number): string {
  return onboardingSteps[number - 1]?.title ?? ''
}

function isOptional(number: number): boolean {
  return onboardingSteps[number - 1]?.optional ?? false
}
