// What is done for an alert after its caller was answered: the clip or key frames are made and its mail is queued with them, once.
import type { Clock } from '../lib/clock.ts'
import { fileStem } from './alert-mail.ts'
import { type Attached, attach, deleteOldAlerts, failAbandoned, findUnattached } from './alert-rows.ts'
import { type AlertDependencies, type AlertReference, alertMailKind } from './alerts.ts'
import { createClipMaker } from './clip.ts'
import { type ClipOrder, createClipQueue } from './clip-queue.ts'
import { pickKeyFrames } from './key-frames.ts'

export type AlertWork = {
  add(order: Omit<ClipOrder, 'isWhole'>): void
  /** Alerts whose clip was not begun get key frames. */
  close(): Promise<void>
}

const clipsAtOnce = 2
const ordersMax = 1000
const dayMs = 86_400_000
/** Longer than a clip takes, waiting included; then an alert goes out without one. */
const patienceMs = 5 * 60_000
/** The outbox tries for 26 hours. */
const abandonedMs = 2 * dayMs
const writeAttempts = 5
const writePauseMs = 2_000
const closeLimitMs = 8_000

const nothing: Attached = { attachment: 'none', clipMs: null, clipFrames: null, files: [] }

export async function createAlertWork(dependencies: AlertDependencies): Promise<AlertWork> {
  const { config, outbox, database, jobs, clock, logger } = dependencies
  const maker = createClipMaker({ config, clock, logger })
  const limits = config.limits.video
  const closing = new AbortController()
  const queue = createClipQueue({
    bytesMax: limits.alert_bytes_max,
    clientBytesMax: limits.alert_bytes_per_client_max,
    ...{ ordersMax, atOnce: clipsAtOnce, work },
  })

  async function work(order: ClipOrder): Promise<void> {
    const attached = (order.isWhole ? await makeClip(order) : null) ?? attachKeyFrames(order)
    await finishWithRetry(order, attached)
  }

  async function makeClip({ frames, cameraId }: ClipOrder): Promise<Attached | null> {
    const newest = frames.at(-1)
    const clip = newest ? await maker.makeClip(frames, cameraId) : null
    if (!newest || !clip) return null
    const filename = `${fileStem(cameraId, new Date(newest.timestampMs))}.mp4`
    return {
      ...{ attachment: 'clip', clipMs: clip.lengthMs, clipFrames: clip.frameCount },
      files: [{ filename, contentType: 'video/mp4', content: clip.mp4 }],
    }
  }

  /** The mail is queued in the transaction that says what it carries: so there is one, whoever comes twice. */
  async function finish(reference: AlertReference, attached: Attached): Promise<void> {
    const { clientId, alertId } = reference
    await database.transaction(async (tx) => {
      if (!(await attach(tx, reference, attached))) return
      await outbox.enqueueMail(tx, alertMailKind, { clientId, alertId }, alertId)
    })
  }

  async function finishWithRetry(reference: AlertReference, attached: Attached): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await finish(reference, attached)
      } catch (error) {
        logger.warn('the mail of an alert could not be queued', { component: 'video', error })
        // Later the job below queues it, without a clip.
        if (attempt === writeAttempts || closing.signal.aborted) return
        await wait(clock, writePauseMs, closing.signal)
      }
    }
  }

  await jobs.schedule('alerts-unattached', '* * * * *', async () => {
    for (const reference of await findUnattached(database, new Date(clock.now() - patienceMs))) {
      await finish(reference, nothing)
      logger.warn('an alert goes out without a clip: the process that had it ended', { component: 'video' })
    }
  })
  await jobs.schedule('alerts-retention', '35 3 * * *', async () => {
    const failed = await failAbandoned(database, new Date(clock.now() - abandonedMs))
    if (failed > 0) logger.warn('alerts were given up after two days', { component: 'video', count: failed })
    await deleteOldAlerts(database, new Date(clock.now() - config.retention.alerts_days * dayMs))
  })

  return {
    add: queue.add,
    async close() {
      closing.abort()
      maker.close()
      const begun = queue.close().then(async (left) => {
        for (const order of left) await finishWithRetry(order, attachKeyFrames(order))
      })
      await Promise.race([begun, wait(clock, closeLimitMs, new AbortController().signal)])
    },
  }
}

function attachKeyFrames({ frames, cameraId }: ClipOrder): Attached {
  const picked = pickKeyFrames(frames)
  if (picked.length === 0) return nothing
  return {
    ...{ attachment: 'key_frames', clipMs: null, clipFrames: null },
    files: picked.map(({ jpeg, timestampMs }, index) => ({
      filename: `${fileStem(cameraId, new Date(timestampMs))}-${String(index + 1).padStart(2, '0')}.jpg`,
      contentType: 'image/jpeg',
      content: jpeg,
    })),
  }
}

function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(delayMs, resolve)
    signal.addEventListener('abort', () => {
      timer.cancel()
      resolve()
    })
  })
}
