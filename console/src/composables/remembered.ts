// A choice of the operator that outlives the page, kept in the browser.
import { type Ref, ref, watch } from 'vue'

/** Storage may be switched off in a browser; then the choice lasts as long as the page. */
function readChoice(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function writeChoice(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch (error) {
    console.warn('The choice could not be kept', error)
  }
}

export function remembered<Choice extends string>(
  name: string,
  choices: readonly Choice[],
  preset: Choice,
): Ref<Choice> {
  const key = `sallyport.${name}`
  const stored = readChoice(key)
  const choice = ref(choices.find((each) => each === stored) ?? preset) as Ref<Choice>
  watch(choice, (value) => writeChoice(key, value))
  return choice
}
