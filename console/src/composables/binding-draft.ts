// From where a new credential may be used, as a form offers it and as the server takes it.
import type { KeyBinding } from '@sallyport/contract'
import type { Rule } from '../api/admin-api.ts'

/** `rule`: a fixed rule is given with the credential. */
export const bindingPolicies = ['off', 'first_use', 'rule'] as const
export type BindingPolicy = (typeof bindingPolicies)[number]

export function bindingOf(policy: BindingPolicy, rule: Rule): KeyBinding {
  return policy === 'rule' ? rule : { policy }
}
