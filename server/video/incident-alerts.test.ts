// Which analyses raise an alert by themselves, and that none is answered whose alert got lost.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AnalyzeAnswer, AppError, type ClientSettings } from '@sallyport/contract'
import { loadConfig } from '../config/config.ts'
import { EngineAwayError } from '../store/store.ts'
import { silentLogger as logger } from '../store/test-support.ts'
import type { AlertOrder } from './alerts.ts'
import { alertOnIncident } from './incident-alerts.ts'

const config = loadConfig({ env: {}, workingDir: '/nonexistent', createSecrets: false })
const hit: AnalyzeAnswer = {
  ...{ analysis: 'x'.repeat(20_000), has_security_incident: true, risk_level: 'HIGH', confirmed: true },
  ...{ incident_type: 'burglary', timestamp: '2026-01-01T00:00:00.000Z', frame_count: 3 },
}

async function analyze(answer: AnalyzeAnswer, settings: ClientSettings, failure?: Error) {
  const raised: AlertOrder[] = []
  const run = alertOnIncident({
    ...{ config, logger, analyze: async () => answer },
    alerts: {
      async raise(order) {
        raised.push(order)
        if (failure) throw failure
        return new AppError('mail_not_configured')
      },
    },
  })
  const order = { caller: { clientId: 7, settings }, cameraId: 'door' }
  const signal = new AbortController().signal
  assert.equal(await run({ ...order, signal, used: [] }), answer)
  return raised
}

test('a confirmed incident raises one alert for its client and camera, where that is wanted', async () => {
  const wanted = { video: { alert_on_incident: true } }
  const [order, ...more] = await analyze(hit, wanted)
  assert.equal(more.length, 0)
  assert.deepEqual([order?.clientId, order?.cameraId, order?.riskLevel], [7, 'door', 'HIGH'])
  assert.equal(order?.analysis.length, 10_000)
  assert.equal((await analyze(hit, {})).length, 0)
  assert.equal((await analyze({ ...hit, has_security_incident: false, confirmed: false }, wanted)).length, 0)
  await assert.rejects(analyze(hit, wanted, new EngineAwayError('database')), EngineAwayError)
})
