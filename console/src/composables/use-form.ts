// A form on its way to the server: busy while it is sent, errors at their fields, the rest of them above the form.
import { ref, shallowRef } from 'vue'
import { type ApiError, asApiError } from '../api/api-error.ts'
import { type FieldErrors, fieldErrorsOf, noFieldErrors } from '../api/field-errors.ts'

/** `place` moves errors to where the form shows them, when that is not just their field. */
export function useForm(fields: readonly string[], place = (errors: FieldErrors): FieldErrors => errors) {
  const errors = ref(noFieldErrors())
  const failure = shallowRef<ApiError>()
  const isBusy = ref(false)

  function clear(): void {
    errors.value = noFieldErrors()
    failure.value = undefined
  }

  function refuse(error: ApiError): void {
    errors.value = place(fieldErrorsOf(error, fields))
    failure.value = errors.value.other.length > 0 ? error : undefined
  }

  /** The answer; null when it was refused: then the errors stand at their fields. */
  async function submit<Answer>(send: () => Promise<Answer>): Promise<Answer | null> {
    clear()
    isBusy.value = true
    try {
      return await send()
    } catch (cause) {
      refuse(asApiError(cause))
      return null
    } finally {
      isBusy.value = false
    }
  }

  return { errors, failure, isBusy, clear, submit }
}
