// A form that holds a rule: the rule's values, its errors at the lines that they quote, sending it.
import { reactive } from 'vue'
import type { BindingMode, Rule } from '../api/admin-api.ts'
import { placeAtEntry } from '../api/field-errors.ts'
import { useForm } from './use-form.ts'

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
  const form = useForm(fields, (errors) => placeAtEntry(errors, 'allowed_ips', draft.addresses))

  function fill(rule: Rule): void {
    draft.mode = rule.mode
    draft.addresses = rule.allowed_ips.length > 0 ? [...rule.allowed_ips] : ['']
    form.clear()
  }

  function submit<Answer>(send: (rule: Rule) => Promise<Answer>): Promise<Answer | null> {
    // The server counts the addresses that it was sent: blank lines must not shift their positions.
    const written = draft.addresses.filter((address) => address.trim())
    draft.addresses = written.length > 0 ? written : ['']
    return form.submit(() => send(ruleOf(draft)))
  }

  const { errors, failure, isBusy } = form
  return { draft, errors, failure, isBusy, fill, submit }
}
