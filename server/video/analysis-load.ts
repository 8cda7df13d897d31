// How many analyses may run at once, and how many bytes of pictures they may hold: of one client, and in the process.
import { AppError } from '@sallyport/contract'

export type AnalysisLoad = { analyses: number; bytes: number }

const retryAfterSeconds = 1
const none: AnalysisLoad = { analyses: 0, bytes: 0 }

export function createAnalysisLoad(max: { inAll: AnalysisLoad; perClient: AnalysisLoad }) {
  // An entry lives as long as an analysis of its client.
  const byClient = new Map<number, AnalysisLoad>()
  let inAll = none

  /** Nobody may hold more than is left for all others. */
  function fits(own: AnalysisLoad, more: number): boolean {
    return inAll.analyses === 0 || own.bytes + more <= max.inAll.bytes - inAll.bytes - more
  }

  return {
    /** Null: go on, and call `leave` with the same bytes at the end. */
    enter(clientId: number, bytes: number): AppError | null {
      const own = byClient.get(clientId) ?? none
      if (isFull(own, bytes, max.perClient)) return new AppError('too_many_requests', { retryAfterSeconds })
      if (inAll.analyses >= max.inAll.analyses || !fits(own, bytes))
        return new AppError('overloaded', { retryAfterSeconds })
      byClient.set(clientId, add(own, 1, bytes))
      inAll = add(inAll, 1, bytes)
      return null
    },
    leave(clientId: number, bytes: number): void {
      const own = add(byClient.get(clientId) ?? none, -1, -bytes)
      if (own.analyses > 0) byClient.set(clientId, own)
      else byClient.delete(clientId)
      inAll = add(inAll, -1, -bytes)
    },
  }
}

/** One by itself always passes: what it may show a model bounds it. */
function isFull({ analyses, bytes }: AnalysisLoad, more: number, max: AnalysisLoad): boolean {
  return analyses >= max.analyses || (analyses > 0 && bytes + more > max.bytes)
}

function add(load: AnalysisLoad, analyses: number, bytes: number): AnalysisLoad {
  return { analyses: load.analyses + analyses, bytes: load.bytes + bytes }
}
