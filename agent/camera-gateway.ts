// What a camera asks of the gateway: take these frames, look at them, tell the guard.

import type { CapturedFrame } from './frame-queue.ts'
import { call, toBaseUrl } from './request.ts'
import type { AlertAnswer, AnalyzeAnswer, BatchBufferedAnswer, HealthAnswer, UsageTotals } from './wire.ts'

export type CameraGateway = ReturnType<typeof createCameraGateway>

export type CameraGatewayOptions = { url: string; apiKey: string; cameraId: string; signal?: AbortSignal }

/** The model may look twice, and be asked again when it is busy. */
const analyzeDeadlineMs = 180_000

/** Every method throws SallyportError and SallyportUnreachableError. */
export function createCameraGateway({ url, apiKey, cameraId, signal }: CameraGatewayOptions) {
  const baseUrl = toBaseUrl(url)
  const ask = <Answer>(method: 'GET' | 'POST', path: string, body?: unknown, deadlineMs?: number) =>
    call<Answer>(baseUrl, {
      ...{ method, path, token: apiKey, body },
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(signal ? { signal } : {}),
    })
  return {
    /** How far the gateway's clock is ahead of ours; fails when the key is not good. */
    async measureClock(): Promise<number> {
      const before = Date.now()
      const { timestamp } = await ask<HealthAnswer>('GET', '/api/health')
      return Date.parse(timestamp) - (before + Date.now()) / 2
    },
    sendFrames: (frames: readonly CapturedFrame[]) =>
      ask<BatchBufferedAnswer>('POST', '/api/video/buffer/batch', {
        camera_id: cameraId,
        frames: frames.map(({ jpeg, takenAtMs, count }) => ({
          frame_data: jpeg.toString('base64'),
          frame_count: count,
          timestamp: new Date(takenAtMs).toISOString(),
        })),
      }),
    analyze: () =>
      ask<AnalyzeAnswer>('POST', '/api/video/analyze', { camera_id: cameraId }, analyzeDeadlineMs),
    alert: (finding: Pick<AnalyzeAnswer, 'analysis' | 'risk_level' | 'incident_type'>) =>
      ask<AlertAnswer>('POST', '/api/alert', {
        camera_id: cameraId,
        analysis: finding.analysis,
        risk_level: finding.risk_level,
        ...(finding.incident_type ? { incident_type: finding.incident_type } : {}),
      }),
    /** What the calls of this client cost since `from`, by endpoint. */
    usageSince: (from: Date) =>
      ask<UsageTotals>('GET', `/api/usage?page_size=1&from=${encodeURIComponent(from.toISOString())}`),
  }
}
