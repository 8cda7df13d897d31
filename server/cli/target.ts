// Which gateway a command speaks to, and with which credential.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type Config, loadConfig } from '../config/config.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import type { Terminal } from './terminal.ts'

export type Target = {
  /** Origin, with a path prefix if the gateway stands behind one; no slash at its end. */
  readonly url: string
  /** What to do when the gateway refuses the credential. */
  readonly remedyWhenRefused: string
  /** Read on demand: a command with --url and a password works without any configuration here. */
  readonly config: () => Config
}

export type Credential = { kind: 'password'; password: string } | { kind: 'token'; token: string }

/** Options of every command that speaks to the admin API. */
export type RemoteOptions = { url?: string; json?: true }

export function addRemoteOptions(command: Command): Command {
  return command
    .option('--url <url>', 'gateway to speak to (default: http://127.0.0.1:$APP_PORT)')
    .option('--json', "print the admin API's answer as it is")
}

export function findTarget(terminal: Terminal, options: RemoteOptions): Target {
  let loaded: Config | null = null
  const config = () => {
    loaded ??= loadConfig({ env: terminal.env, workingDir: terminal.workingDir, createSecrets: false })
    return loaded
  }
  const remedyWhenRefused = terminal.env.SALLYPORT_ADMIN_PASSWORD
    ? 'SALLYPORT_ADMIN_PASSWORD is not the password of this gateway'
    : 'the token file is not of this gateway, or it is void since a password reset; set SALLYPORT_ADMIN_PASSWORD'
  const url = options.url === undefined ? localUrl(config()) : checkUrl(options.url)
  return { url, remedyWhenRefused, config }
}

/** SALLYPORT_ADMIN_PASSWORD, else the token file that a running gateway keeps in its data folder; null when both are absent. */
export function findCredential(terminal: Terminal, target: Target): Credential | null {
  const password = terminal.env.SALLYPORT_ADMIN_PASSWORD
  if (password) return { kind: 'password', password }
  // The token opens this machine's gateway only; it is never shown to another host.
  if (!isLoopback(new URL(target.url).hostname)) {
    throw new CommandFailure(
      `set SALLYPORT_ADMIN_PASSWORD to sign in at ${target.url}: without a password only the gateway of this machine can be reached`,
      exitCodes.refused,
    )
  }
  try {
    return { kind: 'token', token: readFileSync(tokenPath(target), 'utf8').trim() }
  } catch {
    return null
  }
}

export function noCredential(target: Target): CommandFailure {
  return new CommandFailure(
    `cannot sign in: SALLYPORT_ADMIN_PASSWORD is not set, and there is no readable token file ${tokenPath(target)} (a password reset removes it until the next start). Set the password, or run this in the working folder and as the user of the gateway`,
    exitCodes.refused,
  )
}

function tokenPath(target: Target): string {
  return join(target.config().dataDir, 'admin-token')
}

function localUrl(config: Config): string {
  if (config.appPort !== 0) return `http://127.0.0.1:${config.appPort}`
  throw new CommandFailure(
    'APP_PORT is 0, so the port of the gateway is not known. Name it with --url http://127.0.0.1:PORT',
    exitCodes.usage,
  )
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash) {
    return url.href.replace(/\/+$/, '')
  }
  throw new CommandFailure(
    `--url: "${text}" is not an http:// or https:// address. Example: --url https://gateway.example.com`,
    exitCodes.usage,
  )
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '::1' || /^127\./.test(hostname)
}
