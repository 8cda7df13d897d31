// One accepted request: what is known of it, what its log line will say, and the way to answer it with an error.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AppError } from '@sallyport/contract'
import type { IpAddress } from '../lib/ip-address.ts'
import type { RequestKind } from './admission.ts'
import { toAppError, writeError } from './answer.ts'

/** What handlers see of a request beside Node's own objects. */
export type CallContext = {
  readonly requestId: string
  /** The TCP peer. */
  readonly peer: IpAddress
  /** Whose call it is: the peer, or what a trusted proxy said. */
  readonly address: IpAddress
  readonly realIpUsed: boolean
  /** Request target in origin form, byte for byte; absolute form of our own host is reduced to it. */
  readonly target: string
  /** The target without its query. */
  readonly path: string
  readonly onConsolePort: boolean
  /** The client waits for 100 Continue; whoever reads the body sends it first. */
  readonly expectsContinue: boolean

  /** Fields of the log line that only a handler knows. */
  tokenDisplay: string | undefined
  failsafe: boolean
  observed: boolean
  bytesIn: number
  bytesOut: number

  /** Answers with the envelope for `error`; when an answer has begun already, its connection is cut so that it shows. */
  fail(error: unknown): void
}

export type OpenCall = {
  request: IncomingMessage
  response: ServerResponse
  peer: IpAddress
  onConsolePort: boolean
  expectsContinue: boolean
  startedMs: number
}

export class Call implements CallContext {
  readonly requestId = randomUUID()
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly peer: IpAddress
  readonly onConsolePort: boolean
  readonly expectsContinue: boolean
  readonly startedMs: number
  address: IpAddress
  realIpUsed = false
  target = ''
  path: string
  tokenDisplay: string | undefined = undefined
  failsafe = false
  observed = false
  bytesIn = 0
  bytesOut = 0
  /** Why the call was not served as asked. */
  failure: AppError | null = null
  /** Under which limits it is counted; null before. */
  admittedAs: RequestKind | null = null
  /** Where it stands among the calls in work; -1 when it is none of them. */
  place = -1

  constructor(open: OpenCall) {
    this.request = open.request
    this.response = open.response
    this.peer = open.peer
    this.address = open.peer
    this.onConsolePort = open.onConsolePort
    this.expectsContinue = open.expectsContinue
    this.startedMs = open.startedMs
    // For the log line of a request that is refused before its target was understood.
    this.path = withoutQuery(open.request.url ?? '')
  }

  /** What the client was told, null when nothing. The head of a 101 passes Node's response by. */
  get status(): number | null {
    const { response } = this
    return response.headersSent || response.statusCode === 101 ? response.statusCode : null
  }

  get isAborted(): boolean {
    return !this.response.writableFinished && this.response.statusCode !== 101
  }

  aim(target: string): void {
    this.target = target
    this.path = withoutQuery(target)
  }

  fail(error: unknown): void {
    const failure = toAppError(error)
    this.failure ??= failure
    const { response } = this
    // The answer was whole: what failed afterwards concerns the log only.
    if (response.writableEnded) return
    if (response.headersSent) {
      response.destroy()
      return
    }
    // Who was not told to continue may or may not send the body: the next request could not be told from it.
    if (this.expectsContinue && !this.request.complete) response.shouldKeepAlive = false
    writeError(response, failure, this.requestId)
  }
}

function withoutQuery(target: string): string {
  const end = target.indexOf('?')
  return end < 0 ? target : target.slice(0, end)
}
