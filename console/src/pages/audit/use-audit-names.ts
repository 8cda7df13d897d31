// Names of audited actions and of how an admin came in, in the operator's language.
import { useI18n } from 'vue-i18n'

/** What the filter offers; an action that is not here still shows, under its own name. */
export const knownActions = [
  'binding.create',
  'binding.set_rule',
  'binding.ban',
  'binding.unban',
  'binding.unbind',
  'client.create',
  'client.update',
  'client.suspend',
  'client.reactivate',
  'client.delete',
  'client.payment_details',
  'invoice.run',
  'invoice.send',
  'invoice.pay',
  'invoice.void',
  'api_key.create',
  'api_key.rotate',
  'api_key.revoke',
  'api_key.reactivate',
  'device.register',
  'device.rotate_secret',
  'device.revoke',
  'device.reactivate',
  'provider_key.set',
  'provider_key.remove',
  'signing_key.rotate',
  'settings.changed',
  'admin.signed_in',
  'admin.account_created',
  'admin.password_changed',
  'audit.pruned',
  'audit.chain_lost',
] as const

export function useAuditNames() {
  const { t, te } = useI18n()
  const named = (key: string, fallback: string) => (te(key) ? t(key) : fallback)
  return {
    actionName: (action: string) => named(`actions.${action}`, action),
    actorName: (actor: string) => named(`actors.${actor.replaceAll(' ', '_')}`, actor),
  }
}
