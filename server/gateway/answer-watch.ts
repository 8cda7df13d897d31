// Watches the answer to a metered call as it passes and settles the call once, however it ends: docs/metering.md is the policy.
import type { IncomingHttpHeaders } from 'node:http'
import type { CallContext } from '../http/http.ts'
import type { CallUsage, UsageReader } from '../providers/providers.ts'
import type { CallOutcome, MeteredCall, UsageFlag } from '../usage/usage.ts'

/** What the exchange tells of the answer, in this order: `begin`, `pass` for each chunk, `end`; `settle` at any time. */
export type AnswerWatch = {
  /** The answer begins. True: its length will be another one, because something is taken out of it. */
  begin(status: number, headers: IncomingHttpHeaders): boolean
  /** What of the chunk goes on to the client; may be empty. */
  pass(chunk: Buffer): Buffer
  /** With the chunk that passed last the client has everything. */
  isWhole(): boolean
  /** The upstream has said everything; answers what of it was held. */
  end(): Buffer
  /** Writes the event of the call; what comes after the first time changes nothing. */
  settle(status: number, ending: Ending): void
  /** The call is not made after all. */
  cancel(): void
}

/** `whole`: to the last byte; `cut`: the client left or the upstream broke off. */
export type Ending = 'whole' | 'cut'
export type ReportBounded = (context: CallContext) => void

export type WatchedCall = {
  context: CallContext
  metered: MeteredCall
  /** Null: no usage to be read. */
  usage: CallUsage | null
  /** Text of the request, for an input that is not reported. */
  inputTextBytes: number
  /** The request asks for usage where the caller did not. */
  asksForUsage: boolean
  reportBounded: ReportBounded
}

type Measured = Pick<CallOutcome, 'tokens' | 'model' | 'flags'>

const none = Buffer.alloc(0)
const nothing: Measured = { tokens: null, model: null, flags: [] }

/** A method and no getter tells `isWhole`: V8 makes each object literal with a getter a shape of its own, which keeps the whole call until a major collection. */
export function watchAnswer(watched: WatchedCall): AnswerWatch {
  const { context, metered, usage, inputTextBytes, asksForUsage, reportBounded } = watched
  let reader: UsageReader | null = null
  let filter: ReturnType<CallUsage['createFilter']> | null = null
  let bytesMissing: number | null = null
  let isSettled = false

  function measure(status: number): Measured {
    // What passes through a tunnel is not read.
    if (status === 101) return { ...nothing, flags: ['estimated'] }
    // 0: the client left before it was told anything, and the provider had its question.
    const hasSucceeded = status === 0 || (status >= 200 && status < 300)
    if (usage === null || !hasSucceeded) return nothing
    const { tokens, model, isEstimated, isBounded } = (reader ?? usage.createReader('')).result(
      inputTextBytes,
    )
    if (isBounded) reportBounded(context)
    const flags: UsageFlag[] = []
    if (isEstimated) flags.push('estimated')
    if (isBounded) flags.push('bounded')
    return { tokens, model, flags }
  }

  return {
    begin(status, headers) {
      const length = headers['content-length']
      if (typeof length === 'string') bytesMissing = Number(length)
      if (usage === null || status >= 300) return false
      const contentType = String(headers['content-type'] ?? '')
      reader = usage.createReader(contentType)
      if (!asksForUsage || !/^text\/event-stream\b/i.test(contentType)) return false
      filter = usage.createFilter()
      return length !== undefined
    },
    pass(chunk) {
      if (bytesMissing !== null) bytesMissing -= chunk.length
      reader?.push(chunk)
      return filter === null ? chunk : filter.pass(chunk)
    },
    isWhole: () => bytesMissing === 0 || (reader?.isWhole() ?? false),
    end: () => filter?.end() ?? none,
    settle(status, ending) {
      if (isSettled) return
      isSettled = true
      const { tokens, model = null, flags } = measure(status)
      const { bytesIn, bytesOut } = context
      const ended: readonly UsageFlag[] = ending === 'cut' ? ['aborted', ...flags] : flags
      metered.settle({ status, bytesIn, bytesOut, tokens, model, flags: ended })
    },
    cancel() {
      if (isSettled) return
      isSettled = true
      metered.cancel()
    },
  }
}
