// One call on its way out and back: the answer of the upstream becomes the answer to the client, chunk by chunk.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { AppError, type ErrorCode } from '@sallyport/contract'
import type { Dispatcher } from 'undici'
import type { CallContext, Tunnel } from '../http/http.ts'
import type { AnswerWatch } from './answer-watch.ts'
import { toClientHeaders, withoutLength } from './headers.ts'
import { joinTunnel } from './tunnel.ts'
import { toUpstreamError } from './upstream-error.ts'

export type ExchangeOrder = {
  request: IncomingMessage
  response: ServerResponse
  context: CallContext
  /** Takes the status that the client is told, once. */
  settle: ((status: number) => void) | null
  /** Set for a WebSocket upgrade. */
  tunnel: Tunnel | null
  /** Looks at the upstream's answer before the client gets anything of it; null: it goes back as it is. */
  screen: AnswerScreen | null
  /** Meters the call; null: it is only counted. */
  watch: AnswerWatch | null
}

/** Answers the headers (names and values) that the client gets, or why it does not get this answer. */
export type AnswerScreen = (status: number, headers: string[]) => string[] | AppError

/** The same for all exchanges. */
export type ExchangeTerms = {
  countFailure: (code: ErrorCode) => void
  tunnelIdleMs: number
}

/**
 * 1xx answers of one call. Each one puts off the deadline of the headers, and back-pressure does not hold them up, so
 * without a limit an upstream could keep a call for ever and fill our memory.
 */
const interimAnswersMax = 100

/**
 * `waiting` for the upstream's headers; `held`: they are here, and one turn is given to a body that came with them, so
 * that a small answer leaves in one write; `streaming`; `over`: answered, failed or left by the client.
 */
type State = 'waiting' | 'held' | 'streaming' | 'over'

/** A body up to this is copied behind the head rather than written beside it: one simple system call is cheaper. */
const singleWriteBytesMax = 16 * 1024

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #order: ExchangeOrder
  readonly #terms: ExchangeTerms
  readonly #response: ServerResponse
  #state: State = 'waiting'
  #controller: Dispatcher.DispatchController | null = null
  #interimCount = 0
  #status = 0
  #headers: string[] = []
  #hasLength = false
  #firstChunk: Buffer | null = null
  #listensForDrain = false

  constructor(order: ExchangeOrder, terms: ExchangeTerms) {
    this.#order = order
    this.#terms = terms
    this.#response = order.response
    order.response.on('close', () => this.#leave())
  }

  /** Also when somebody else answered or cut it: the request was found broken while the upstream was at work. */
  get isOver(): boolean {
    return this.#state === 'over' || this.#response.writableEnded || this.#response.destroyed
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The client may have left while a connection was being made.
    if (this.isOver) controller.abort(new Error('the client is gone'))
    else this.#controller = controller
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (this.isOver) return
    const { context, screen, watch } = this.#order
    const received = toClientHeaders(controller.rawHeaders, context.requestId)
    const clientHeaders = screen ? screen(status, received) : received
    if (clientHeaders instanceof AppError) {
      this.breakOff(clientHeaders)
      return
    }
    if (status < 200) {
      this.#passInterim(status, clientHeaders)
      return
    }
    this.#status = status
    const isShortened = watch?.begin(status, headers) ?? false
    this.#headers = isShortened ? withoutLength(clientHeaders) : clientHeaders
    this.#hasLength = 'content-length' in headers && !isShortened
    this.#state = 'held'
    process.nextTick(flushHeld, this)
  }

  onResponseData(controller: Dispatcher.DispatchController, received: Buffer): void {
    if (this.isOver) return
    const { watch } = this.#order
    this.#passOn(controller, watch === null ? received : watch.pass(received))
  }

  #passOn(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { context, watch } = this.#order
    context.bytesOut += chunk.length
    // A call is written down before the client can have the end of its answer.
    if (watch?.isWhole()) watch.settle(this.#status, 'whole')
    if (chunk.length === 0) return
    if (this.#state === 'held' && this.#firstChunk === null) {
      this.#firstChunk = chunk
      return
    }
    this.flush()
    this.#write(controller, chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.isOver) return
    const { watch } = this.#order
    if (watch) {
      this.#passOn(controller, watch.end())
      watch.settle(this.#status, 'whole')
    }
    if (this.#state === 'held') this.#sendWhole()
    else {
      this.#state = 'over'
      this.#response.end()
    }
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.isOver) return
    const { context, settle, watch } = this.#order
    const failure = toUpstreamError(error)
    // Below 500 it is the client's own body that broke.
    if (failure.status >= 500) this.#terms.countFailure(failure.code)
    const hasBegun = this.#state === 'streaming'
    if (!hasBegun) settle?.(failure.status)
    if (hasBegun) watch?.settle(this.#status, 'cut')
    else watch?.settle(failure.status, 'whole')
    this.#state = 'over'
    context.fail(failure)
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: object,
    upstream: Duplex,
  ): void {
    const { context, response, settle, tunnel, watch } = this.#order
    if (this.isOver || tunnel === null || !(upstream instanceof Socket)) {
      upstream.destroy()
      return
    }
    this.#state = 'over'
    settle?.(101)
    const headers = toClientHeaders(controller.rawHeaders, context.requestId)
    const onEnd = () => watch?.settle(101, 'whole')
    joinTunnel({ response, context, tunnel, headers, upstream, idleMs: this.#terms.tunnelIdleMs, onEnd })
  }

  /** Sends what is held; what follows goes out as it comes. */
  flush(): void {
    if (this.#state !== 'held' || this.isOver) return
    this.#begin()
    this.#state = 'streaming'
    if (this.#firstChunk === null) this.#response.flushHeaders()
    else if (this.#controller) this.#write(this.#controller, this.#firstChunk)
    this.#firstChunk = null
  }

  breakOff(reason: AppError): void {
    this.onResponseError(null, reason)
    this.#controller?.abort(reason)
  }

  #passInterim(status: number, headers: string[]): void {
    if (++this.#interimCount > interimAnswersMax) {
      this.breakOff(new AppError('upstream_protocol_error', { detail: 'too many interim answers' }))
    } else if (this.#order.request.httpVersionMinor === 1) {
      this.#response.writeInformation(status, headers)
    }
  }

  #sendWhole(): void {
    const body = this.#firstChunk
    if (!this.#hasLength && mayHaveBody(this.#order.request.method, this.#status)) {
      this.#headers.push('Content-Length', String(body?.length ?? 0))
    }
    this.#begin()
    this.#state = 'over'
    if (body === null || body.length > singleWriteBytesMax) this.#response.end(body)
    // As text it goes out in one write with the head; latin1 keeps every byte.
    else this.#response.end(body.toString('latin1'), 'latin1')
  }

  #begin(): void {
    this.#response.writeHead(this.#status, this.#headers)
    this.#order.settle?.(this.#status)
  }

  #write(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return
    controller.pause()
    if (this.#listensForDrain) return
    this.#listensForDrain = true
    this.#response.on('drain', () => controller.resume())
  }

  /** The answer is closed: when it was not we who ended it, the client is gone, and the upstream is told at once. */
  #leave(): void {
    if (this.#state === 'over') return
    this.#state = 'over'
    const { response, watch } = this.#order
    // Without a controller nothing has reached the upstream.
    if (this.#controller === null && !response.headersSent) watch?.cancel()
    else watch?.settle(response.headersSent ? response.statusCode : 0, 'cut')
    this.#controller?.abort(new Error('the client is gone'))
  }
}

function flushHeld(exchange: Exchange): void {
  try {
    exchange.flush()
  } catch (error) {
    exchange.breakOff(new AppError('upstream_protocol_error', { cause: error }))
  }
}

function mayHaveBody(method: string | undefined, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304
}
