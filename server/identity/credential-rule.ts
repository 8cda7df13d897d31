// Whether a new credential is judged by a binding, as an admin asks for it.
import type { KeyBinding } from '@sallyport/contract'
import type { Queryable } from '../store/store.ts'
import type { CredentialHooks } from './caller-types.ts'

export type BindingPolicy = 'off' | 'bound'

/** `bound`: first use makes the binding, unless a fixed rule was given. */
export function policyOf(binding: KeyBinding | undefined): BindingPolicy {
  if (!binding || ('policy' in binding && binding.policy === 'off')) return 'off'
  return 'bound'
}

/** Throws AppError `malformed_request` for a rule with bad addresses. */
export async function bindFixedRule(
  tx: Queryable,
  bindCredential: CredentialHooks['bindCredential'],
  input: { binding: KeyBinding | undefined; credential: string; display: string; clientId: number },
): Promise<void> {
  const { binding, ...of } = input
  if (!binding || 'policy' in binding) return
  await bindCredential(tx, { ...of, rule: { mode: binding.mode, allowedIps: binding.allowed_ips } })
}
