// The onboarding of one user: where it stands, and what completing, skipping, starting again and ending do to it.
import {
  AppError,
  type OnboardingProgress,
  type OnboardingStatus,
  type OnboardingStep,
  type StepData,
  type UserOnboarding,
} from '@sallyport/contract'
import type { Clock } from '../lib/clock.ts'
import type { Database, Queryable } from '../store/store.ts'
import { findSession, insertSession, readSessions, type Session, saveSession } from './session-store.ts'
import { assertFitData } from './step-data.ts'
import {
  endOnboarding,
  endStep,
  findObstacles,
  findOpenEnds,
  findSkipObstacles,
  parseStepNumber,
  refusal,
  startAgain,
  toProgress,
  toState,
  toStatus,
  toStep,
} from './steps.ts'
import type { KeyUser, UserApiKeys } from './user-keys.ts'

/**
 * A session begins when it is first asked for. Steps are named as in the path; throws AppError `not_found` for what is no
 * step, `malformed_request` with the reasons as details for what the rules refuse.
 */
export type Sessions = {
  status(user: KeyUser): Promise<OnboardingStatus>
  progress(user: KeyUser): Promise<OnboardingProgress>
  step(user: KeyUser, step: string): Promise<OnboardingStep>
  completeStep(user: KeyUser, step: string, data: StepData): Promise<OnboardingStatus>
  skipStep(user: KeyUser, step: string): Promise<OnboardingStatus>
  /** Keys that were saved stay saved. */
  reset(user: KeyUser): Promise<OnboardingStatus>
  complete(user: KeyUser): Promise<OnboardingStatus>
  /** Of those who have begun, by client id; for the admin, who begins nobody's. */
  states(clientIds: readonly number[]): Promise<Map<number, UserOnboarding>>
}

export type SessionDependencies = {
  database: Pick<Database, 'query' | 'transaction'>
  clock: Clock
  userApiKeys: UserApiKeys
  holdClient: HoldClient
}

/** Keeps the client from being deleted until `tx` ends; false when there is none. */
export type HoldClient = (tx: Queryable, clientId: number) => Promise<boolean>

export function createSessions(dependencies: SessionDependencies): Sessions {
  const { database, clock, userApiKeys, holdClient } = dependencies
  const now = () => new Date(clock.now())

  /** The session, locked; begun when there is none. */
  async function open(tx: Queryable, { clientId }: KeyUser): Promise<Session> {
    const found = await findSession(tx, clientId, { lock: true })
    if (found) return found
    // A deletion of the client either waits and takes the session along, or came first.
    if (!(await holdClient(tx, clientId))) throw clientGone()
    await insertSession(tx, clientId, now())
    const begun = await findSession(tx, clientId, { lock: true })
    if (!begun) throw new Error('an insert answered no row')
    return begun
  }

  const look = async (user: KeyUser) =>
    (await findSession(database, user.clientId, { lock: false })) ??
    database.transaction((tx) => open(tx, user))

  /** One change of the session at a time; `work` throws to refuse it. */
  async function change(user: KeyUser, work: (session: Session) => Session): Promise<OnboardingStatus> {
    const changed = await database.transaction(async (tx) => {
      const session = work(await open(tx, user))
      await saveSession(tx, session)
      return session
    })
    return toStatus(changed, user.userId)
  }

  return {
    status: async (user) => toStatus(await look(user), user.userId),
    progress: async (user) => toProgress(await look(user)),
    async step(user, step) {
      const number = stepNumber(step)
      return toStep(await look(user), number)
    },
    async completeStep(user, step, data) {
      const number = stepNumber(step)
      const keys = await userApiKeys(user)
      assertFitData(data, [...keys.values()])
      return change(user, (session) => {
        refuseIfAny(findObstacles(session, number, keys.has('gemini')))
        return endStep(session, number, { status: 'completed', at: now().toISOString(), data })
      })
    },
    async skipStep(user, step) {
      const number = stepNumber(step)
      return change(user, (session) => {
        refuseIfAny(findSkipObstacles(session, number))
        return endStep(session, number, { status: 'skipped', at: now().toISOString(), data: null })
      })
    },
    reset: (user) => change(user, (session) => startAgain(session, now())),
    async complete(user) {
      const keys = await userApiKeys(user)
      return change(user, (session) => {
        if (session.completedAt) return session
        refuseIfAny(findOpenEnds(session, keys.has('gemini')))
        return endOnboarding(session, now())
      })
    },
    async states(clientIds) {
      const sessions = await readSessions(database, clientIds)
      return new Map(sessions.map((session) => [session.clientId, toState(session)]))
    },
  }
}

function stepNumber(text: string): number {
  const number = parseStepNumber(text)
  if (number === null) throw new AppError('not_found', { message: 'There is no such step; they are 1 to 6.' })
  return number
}

function clientGone(): AppError {
  return new AppError('not_found', { message: 'This client has been deleted.' })
}

function refuseIfAny(reasons: readonly string[]): void {
  if (reasons.length > 0) throw refusal(reasons)
}
