// SQL of the onboarding sessions: one row for each client, changed by one request at a time.
import type { StepData } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'

export type StepRecord = { status: 'completed' | 'skipped'; at: string; data: StepData | null }
/** By number of the step; what is pending is not there. */
export type StepRecords = Readonly<Record<number, StepRecord>>

export type Session = {
  clientId: number
  currentStep: number
  steps: StepRecords
  startedAt: Date
  completedAt: Date | null
}

type SessionRow = { current_step: number; steps: string; started_at: Date; completed_at: Date | null }

const columns = 'current_step, steps, started_at, completed_at'

/** Null before it begins. With `lock` nobody else changes it before `tx` ends. */
export async function findSession(
  tx: Queryable,
  clientId: number,
  { lock }: { lock: boolean },
): Promise<Session | null> {
  const { rows } = await tx.query<SessionRow>(
    `select ${columns} from onboarding_sessions where client_id = $1${lock ? ' for update' : ''}`,
    [clientId],
  )
  return rows[0] ? toSession(clientId, rows[0]) : null
}

/** Unless another request was quicker. The client must be held: a session without one would stay for ever. */
export async function insertSession(tx: Queryable, clientId: number, now: Date): Promise<void> {
  await tx.query(
    'insert into onboarding_sessions (client_id, started_at) values ($1, $2) on conflict (client_id) do nothing',
    [clientId, now],
  )
}

/** Those of the clients that have begun; begins none. */
export async function readSessions(database: Queryable, clientIds: readonly number[]): Promise<Session[]> {
  const { rows } = await database.query<SessionRow & { client_id: number }>(
    `select client_id, ${columns} from onboarding_sessions where client_id = any($1)`,
    [clientIds],
  )
  return rows.map((row) => toSession(row.client_id, row))
}

export async function saveSession(tx: Queryable, session: Session): Promise<void> {
  const { clientId, currentStep, steps, startedAt, completedAt } = session
  const { rowCount } = await tx.query(
    `update onboarding_sessions set current_step = $2, steps = $3, started_at = $4, completed_at = $5
     where client_id = $1`,
    [clientId, currentStep, JSON.stringify(steps), startedAt, completedAt],
  )
  if (rowCount !== 1) throw new Error('the session is gone')
}

export async function deleteSession(tx: Queryable, clientId: number): Promise<void> {
  await tx.query('delete from onboarding_sessions where client_id = $1', [clientId])
}

function toSession(clientId: number, row: SessionRow): Session {
  // Written by this room only, from checked values.
  const steps = JSON.parse(row.steps) as StepRecords
  return {
    clientId,
    currentStep: row.current_step,
    steps,
    startedAt: row.started_at,
    completedAt: row.completed_at,
  }
}
