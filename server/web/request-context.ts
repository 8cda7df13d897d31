// What the listener found out about a request, kept beside it.
import type { IncomingMessage } from 'node:http'
import type { CallContext } from '../http/http.ts'

/** The part of the listener's knowledge that routes need. */
export type WebCall = Pick<
  CallContext,
  'requestId' | 'address' | 'peer' | 'path' | 'onConsolePort' | 'expectsContinue' | 'tokenDisplay' | 'fail'
>

const calls = new WeakMap<IncomingMessage, WebCall>()

export function keepCall(request: IncomingMessage, call: WebCall): void {
  calls.set(request, call)
}

export function callOf(request: IncomingMessage): WebCall {
  const call = calls.get(request)
  if (!call) throw new Error('request without a context')
  return call
}
