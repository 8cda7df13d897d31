// A confirmed incident raises its alert by itself where the client wants it so; it is answered once that alert cannot get lost.
import { type AnalyzeAnswer, AppError } from '@sallyport/contract'
import type { Config } from '../config/config.ts'
import type { Logger } from '../lib/logger.ts'
import type { Alerts } from './alerts.ts'
import type { Analysis, AnalysisOrder } from './analysis.ts'
import { settleVideoSettings } from './video-settings.ts'

const analysisCharactersMax = 10_000
const incidentCharactersMax = 200

/**
 * An alert that is refused (no mail server, nobody to write to) is logged, and the finding answered. One that cannot be written
 * down fails the analysis: the caller asks again, and nobody takes an incident for told that is not.
 */
export function alertOnIncident(dependencies: {
  config: Pick<Config, 'video'>
  analyze: Analysis['analyze']
  alerts: Pick<Alerts, 'raise'>
  logger: Logger
}): Analysis['analyze'] {
  const { config, analyze, alerts, logger } = dependencies

  async function raise({ caller, cameraId }: AnalysisOrder, answer: AnalyzeAnswer): Promise<void> {
    const raised = await alerts.raise({
      ...{ clientId: caller.clientId, settings: caller.settings, cameraId, riskLevel: answer.risk_level },
      analysis: answer.analysis.slice(0, analysisCharactersMax),
      incidentType: answer.incident_type?.slice(0, incidentCharactersMax) ?? null,
    })
    if (raised instanceof AppError)
      logger.warn('a confirmed incident raised no alert', { component: 'video', error: raised })
  }

  return async (order) => {
    const answer = await analyze(order)
    const isWanted = settleVideoSettings(config.video, order.caller.settings).alertOnIncident
    if (isWanted && answer.has_security_incident && answer.confirmed) await raise(order, answer)
    return answer
  }
}
