// Which row of the price table a model's name means: dated, numbered and preview names belong to their base model.

/**
 * What may stand behind a base name, taken off from the end one after another until a row is found:
 * `-2024-08-06`, `-20250929` and `@20250929` (dates), `-0613` (month and day), `-001` (a numbered release), `-latest`,
 * `-preview`, `-preview-05-20`, `-preview-09-2025`, `-exp-03-25`. Anything else is another model, with a price of its own.
 */
const suffix =
  /(?:-\d{4}-\d{2}-\d{2}|[-@]\d{8}|-\d{4}|-0\d{2}|-latest|-(?:preview|exp)(?:-\d{2}-\d{2}(?:\d{2})?)?)$/

/** A name has at most so many such endings: `gemini-2.5-flash-preview-09-2025`, `claude-3-5-haiku-20241022`. */
const suffixesMax = 3

/** The name under which `has` knows the model, or null. `models/` before it, as Gemini writes it, is not part of it. */
export function findBaseModel(name: string, has: (model: string) => boolean): string | null {
  let model = name.replace(/^models\//, '')
  for (let taken = 0; taken <= suffixesMax; taken++) {
    if (has(model)) return model
    const shorter = model.replace(suffix, '')
    if (shorter === model) return null
    model = shorter
  }
  return null
}
