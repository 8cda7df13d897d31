// The form of a rule, shared by both dialogs: its values, its errors at their fields, sending it.
import { reactive, ref, shallowRef } from 'vue'
import type { BindingMode, Rule } from '../../api/admin-api.ts'
import { type ApiError, asApiError } from '../../api/api-error.ts'
import { fieldErrorsOf, noFieldErrors, placeAtEntry } from '../../api/field-errors.ts'

export type RuleDraft = { mode: BindingMode; addresses: string[] }

/** The rule as the server takes it: blank lines dropped, no addresses where the mode has none. */
export function ruleOf(draft: RuleDraft): Rule {
  const addresses = draft.addresses.map((address) => address.trim())
  if (draft.mode === 'all') return { mode: 'all', allowed_ips: [] }
  if (draft.mode === 'single') return { mode: 'single', allowed_ips: addresses.slice(0, 1).filter(Boolean) }
  return { mode: 'multiple', allowed_ips: addresses.filter(Boolean) }
}

export function useRuleForm(fields: readonly string[]) {
  const draft = reactive<RuleDraft>({ mode: 'single', addresses: [''] })
  const errors = ref(noFieldErrors())
  const failure = shallowRef<ApiError>()
  const isBusy = ref(false)

  function clearErrors(): void {
    errors.value = noFieldErrors()
    failure.value = undefined
  }

  function fill(rule: Rule): void {
    draft.mode = rule.mode
    draft.addresses = rule.allowed_ips.length > 0 ? [...rule.allowed_ips] : ['']
    clearErrors()
  }

  /** True when `send` went through; else the errors stand at their fields. */
  async function submit(send: (rule: Rule) => Promise<unknown>): Promise<boolean> {
    clearErrors()
    // The server counts the addresses that it was sent: blank lines must not shift their positions.
    const written = draft.addresses.filter((address) => address.trim())
    draft.addresses = written.length > 0 ? written : ['']
    isBusy.value = true
    try {
      await send(ruleOf(draft))
      return true
    } catch (cause) {
      const error = asApiError(cause)
      errors.value = placeAtEntry(fieldErrorsOf(error, fields), 'allowed_ips', draft.addresses)
      if (errors.value.other.length > 0) failure.value = error
      return false
    } finally {
      isBusy.value = false
    }
  }

  return { draft, errors, failure, isBusy, fill, submit }
}
