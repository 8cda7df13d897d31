// What a reader has to know of one kind of answer: which names to catch, which strings are texts, and how usage is told.
import type { Caught } from './json-scanner.ts'
import type { TokenCounts } from './token-counts.ts'

export type AnswerKind = {
  /** Members to catch, the members that may hold them, and those to catch in the document itself only. */
  names: readonly string[]
  holders: readonly string[]
  rootNames: readonly string[]
  /** Names of the strings that a model wrote, in a whole answer and in an event: events may repeat at the end what they told in parts. */
  textNames: { whole: readonly string[]; events: readonly string[] }
  /** Name of the model that answered. */
  modelName: string
  /** Takes what a document tells of usage; called again for the same document when it is cut. True: no document follows. */
  take(caught: Caught, counts: TokenCounts): boolean
}
