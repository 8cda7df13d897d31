// Reads what an answer tells of its usage while it passes: never holds it, never throws, keeps a bounded rest of it.
import type { AnswerKind } from './answer-kind.ts'
import { EventPayloads } from './event-payloads.ts'
import { type Caught, type CompiledTarget, compileTarget, JsonScanner } from './json-scanner.ts'
import { TokenCounts } from './token-counts.ts'

/** Tokens of one call, bounded and never negative. `tokensIn` holds the cached ones too. */
export type ReadTokens = { tokensIn: number; tokensOut: number; tokensCached: number }

export type UsageReading = {
  tokens: ReadTokens
  /** As the answer names it; null: it does not. */
  model: string | null
  /** A count was not reported, or not to the end: a lower bound of what passed stands in its place. */
  isEstimated: boolean
  /** Something absurd was reported, and cut. */
  isBounded: boolean
}

export type UsageReader = {
  /** Takes the next piece of the answer, as it came from the upstream. */
  push(chunk: Buffer): void
  /** The answer has told everything: nothing that follows changes its usage. */
  isWhole(): boolean
  /** What is known so far. `inputTextBytes`: text of the request, for an input that was not reported. */
  result(inputTextBytes: number): UsageReading
}

/** Bytes of text to a token. Usual texts have three to five, so this counts fewer tokens than there were. */
const textBytesToToken = 6
const modelCharactersMax = 200

/** Fewer tokens than a text of so many bytes has, in all but strange cases; docs/metering.md. */
export function lowerBoundOfTokens(textBytes: number): number {
  return Math.ceil(textBytes / textBytesToToken)
}

/** Makes the readers of one kind of answer, by its content type. */
export function createReaderFactory(kind: AnswerKind): (contentType: string) => UsageReader {
  const { names, holders, rootNames, textNames } = kind
  const whole = compileTarget({ names, holders, rootNames, textNames: textNames.whole })
  const events = compileTarget({ names, holders, rootNames, textNames: textNames.events })
  return (contentType) =>
    /^text\/event-stream\b/i.test(contentType)
      ? createUsageReader(kind, events, true)
      : createUsageReader(kind, whole, false)
}

function createUsageReader(kind: AnswerKind, target: CompiledTarget, isEvents: boolean): UsageReader {
  const counts = new TokenCounts()
  let model: string | null = null
  let isWhole = false
  let textBytesAtReport = 0

  function take(caught: Caught): void {
    if (model === null) {
      const name = caught(kind.modelName)
      if (typeof name === 'string' && name !== '') model = name.slice(0, modelCharactersMax)
    }
    const before = counts.tokensOut
    counts.tokensOut = null
    if (kind.take(caught, counts)) isWhole = true
    if (counts.tokensOut === null) counts.tokensOut = before
    else textBytesAtReport = scanner.textBytes
  }

  const scanner = new JsonScanner(target, take)
  const payloads = isEvents
    ? new EventPayloads(scanner, () => {
        isWhole = true
      })
    : null

  return {
    push: (chunk) => (payloads ? payloads.push(chunk) : scanner.scan(chunk)),
    isWhole: () => isWhole,
    result(inputTextBytes) {
      take(scanner.unfinished)
      return toReading({ counts, model, inputTextBytes }, scanner.textBytes, textBytesAtReport)
    },
  }
}

/** A reported count stands unless text passed after it; then, and where none was, the lower bound counts if it is larger. */
function toReading(
  { counts, model, inputTextBytes }: { counts: TokenCounts; model: string | null; inputTextBytes: number },
  textBytes: number,
  textBytesAtReport: number,
): UsageReading {
  const { tokensIn, tokensOut, tokensCached } = counts
  const isOutReported = tokensOut !== null && textBytes === textBytesAtReport
  const input = tokensIn ?? lowerBoundOfTokens(inputTextBytes)
  const cached = Math.min(tokensCached ?? 0, input)
  return {
    tokens: {
      tokensIn: input,
      tokensOut: isOutReported ? tokensOut : Math.max(tokensOut ?? 0, lowerBoundOfTokens(textBytes)),
      tokensCached: cached,
    },
    model,
    isEstimated: tokensIn === null || !isOutReported,
    isBounded: counts.isBounded || cached !== (tokensCached ?? 0),
  }
}
