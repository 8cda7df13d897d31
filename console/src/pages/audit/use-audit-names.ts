// Names of audited actions and of how an admin came in, in the operator's language.
import { useI18n } from 'vue-i18n'

/** What the filter offers; an action that is not here still shows, under its own name. */
export const knownActions = [
  'binding.create',
  'binding.set_rule',
  'binding.ban',
  'binding.unban',
  'binding.unbind',
  'settings.changed',
  'admin.signed_in',
  'admin.account_created',
  'admin.password_changed',
  'audit.pruned',
] as const

export function useAuditNames() {
  const { t, te } = useI18n()
  const named = (key: string, fallback: string) => (te(key) ? t(key) : fallback)
  return {
    actionName: (action: string) => named(`actions.${action}`, action),
    actorName: (actor: string) => named(`actors.${actor.replaceAll(' ', '_')}`, actor),
  }
}
