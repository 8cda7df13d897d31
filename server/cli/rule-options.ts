// Options that say from which addresses a credential may be used.
import type { keyBinding } from '@sallyport/contract'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { listValue } from './arguments.ts'
import { CommandFailure, exitCodes } from './failure.ts'

export type RuleOptions = { mode?: Mode; ip?: string[] }
export type BindingOptions = RuleOptions & { binding?: 'off' | 'first_use' }

export const ruleModes = ['single', 'multiple', 'all'] as const
type Mode = (typeof ruleModes)[number]

export function addRuleOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--mode <mode>',
        'kind of the rule (default: single or multiple, as many as --ip says)',
      ).choices(ruleModes),
    )
    .option('--ip <address...>', 'IP address or CIDR; several of them with mode multiple', listValue)
}

/** What the options say; whether the addresses are good is for the gateway to say. */
export function ruleOf(options: RuleOptions): { mode: Mode; allowed_ips: string[] } {
  const allowedIps = options.ip ?? []
  if (options.mode !== undefined) return { mode: options.mode, allowed_ips: allowedIps }
  if (allowedIps.length === 0) {
    throw new CommandFailure(
      'say from where the token may be used: --ip ADDRESS, or --mode all for every address',
      exitCodes.usage,
    )
  }
  return { mode: allowedIps.length === 1 ? 'single' : 'multiple', allowed_ips: allowedIps }
}

/** For credentials that are issued here: they may also have no rule. */
export function addBindingOptions(command: Command): Command {
  return addRuleOptions(command).addOption(
    new Option('--binding <policy>', 'off, or first_use: bound to the first address that uses it').choices([
      'off',
      'first_use',
    ]),
  )
}

/** Undefined: nothing was said, the gateway's own policy counts. */
export function bindingOf(options: BindingOptions): z.input<typeof keyBinding> | undefined {
  const hasRule = options.mode !== undefined || options.ip !== undefined
  if (options.binding === undefined) return hasRule ? ruleOf(options) : undefined
  if (!hasRule) return { policy: options.binding }
  throw new CommandFailure('give either --binding or a rule with --mode and --ip', exitCodes.usage)
}
