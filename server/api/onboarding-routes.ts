// /api/onboarding: where a user stands in the six steps, and what completing, skipping, resetting and ending them does.

import type { IncomingMessage } from 'node:http'
import {
  completeStepRequest,
  onboardingProgress,
  onboardingStatus,
  onboardingStep,
  onboardingStepParams,
} from '@sallyport/contract'
import type { KeyUser, Onboarding } from '../onboarding/onboarding.ts'
import { answers, type WebApi } from '../web/web.ts'
import { callerOf, callerSecurity } from './authenticate.ts'

export type OnboardingRouteDependencies = { onboarding: Pick<Onboarding, 'sessions'> }

const path = '/api/onboarding'
const shared = { tags: ['onboarding'], security: callerSecurity.user }

/** Who is onboarded: the user that the authentication found. */
export function userOf(request: IncomingMessage): KeyUser {
  const { clientId, userId } = callerOf(request)
  if (userId === null) throw new Error('a route for users was opened by another credential')
  return { clientId, userId }
}

/** Behind the authentication. */
export function addOnboardingRoutes(api: WebApi, { onboarding }: OnboardingRouteDependencies): void {
  const { sessions } = onboarding
  addLooks(api, sessions)

  const params = onboardingStepParams
  const response = answers(onboardingStatus)
  const completeStepSchema = {
    ...{ ...shared, params, response },
    summary: 'Complete a step; its data must hold no key',
    body: completeStepRequest,
  }
  api.post(`${path}/step/:n/complete`, { schema: completeStepSchema }, ({ raw, params: { n }, body }) =>
    sessions.completeStep(userOf(raw), n, body.data),
  )
  const skipSchema = { ...shared, params, response, summary: 'Skip an optional step' }
  api.post(`${path}/step/:n/skip`, { schema: skipSchema }, ({ raw, params: { n } }) =>
    sessions.skipStep(userOf(raw), n),
  )
  const resetSchema = { ...shared, response, summary: 'Start again at step 1; saved keys stay' }
  api.post(`${path}/reset`, { schema: resetSchema }, ({ raw }) => sessions.reset(userOf(raw)))
  const completeSchema = { ...shared, response, summary: 'End the onboarding; all steps before are done' }
  api.post(`${path}/complete`, { schema: completeSchema }, ({ raw }) => sessions.complete(userOf(raw)))
}

function addLooks(api: WebApi, sessions: Onboarding['sessions']): void {
  const statusSchema = { ...shared, summary: 'Where you stand', response: answers(onboardingStatus) }
  api.get(`${path}/status`, { schema: statusSchema }, ({ raw }) => sessions.status(userOf(raw)))
  const progressSchema = { ...shared, summary: 'Every step', response: answers(onboardingProgress) }
  api.get(`${path}/progress`, { schema: progressSchema }, ({ raw }) => sessions.progress(userOf(raw)))
  const stepSchema = {
    ...{ ...shared, params: onboardingStepParams },
    summary: 'One step with the data that it was completed with',
    response: answers(onboardingStep),
  }
  api.get(`${path}/step/:n`, { schema: stepSchema }, ({ raw, params: { n } }) =>
    sessions.step(userOf(raw), n),
  )
}
