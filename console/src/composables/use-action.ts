// Something done at the press of a button: asked first, done, told how it ended.
import { ref } from 'vue'
import { type Question, useConfirm } from './use-confirm.ts'
import { useOutcome } from './use-outcome.ts'

export type Action = { question: Question; call: () => Promise<unknown>; done: string }

export function useAction() {
  const confirm = useConfirm()
  const outcome = useOutcome()
  const isBusy = ref(false)

  /** False when it was not wanted after all. A failure is told here; what is shown may be out of date then, too. */
  async function run({ question, call, done }: Action): Promise<boolean> {
    if (!(await confirm(question))) return false
    isBusy.value = true
    try {
      await call()
      outcome.succeeded(done)
    } catch (error) {
      outcome.failed(error)
    }
    isBusy.value = false
    return true
  }

  return { isBusy, run }
}
