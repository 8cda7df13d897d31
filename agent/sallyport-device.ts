#!/usr/bin/env node
// `sallyport-device`: signs a device in, holds its call, and ends the call on Ctrl+C.
import { parseArgs } from 'node:util'
import { createDeviceAgent, type DeviceAgent } from './device-agent.ts'
import { type DeviceConfig, DeviceConfigError, readDeviceConfig } from './device-config.ts'
import { DeviceRefusedError } from './device-session.ts'
import { SallyportUnreachableError } from './request.ts'

const usage = `Usage: sallyport-device [--config config/device_config.json] [--no-call]

  --config FILE  JSON with device_id, device_secret, proxy_url and vapi_assistant_id;
                 DEVICE_ID, DEVICE_SECRET, PROXY_URL and VAPI_ASSISTANT_ID win over it
  --no-call      stay signed in without starting a call

Ctrl+C stops the call and the program.
Exit codes: 0 stopped, 64 wrong arguments, 77 device_id or device_secret refused, 78 wrong configuration.`

const exitCodes = { ok: 0, failure: 1, usage: 64, refused: 77, configuration: 78 }
const retryFirstMs = 1000
const retryLongestMs = 60_000

process.exitCode = await main()

async function main(): Promise<number> {
  const options = readOptions()
  if (options === null) return exitCodes.usage
  if (options.help) {
    console.log(usage)
    return exitCodes.ok
  }
  try {
    return await run(readDeviceConfig(options.config ?? null, process.env), options['no-call'] ?? false)
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error))
    if (error instanceof DeviceConfigError) return exitCodes.configuration
    return error instanceof DeviceRefusedError ? exitCodes.refused : exitCodes.failure
  }
}

function readOptions() {
  try {
    const options = {
      config: { type: 'string' },
      'no-call': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    } as const
    return parseArgs({ options }).values
  } catch (error) {
    complain(`${error instanceof Error ? error.message : error}\n\n${usage}`)
    return null
  }
}

/** Resolves when the program was told to stop; rejects when the secret is refused or the call cannot be made. */
async function run(config: DeviceConfig, noCall: boolean): Promise<number> {
  let refuse: (error: unknown) => void = () => undefined
  const refused = new Promise<never>((_, reject) => {
    refuse = reject
  })
  const agent = createDeviceAgent({
    ...config,
    onToken: (seconds) => say(`signed in for ${seconds} s; the token is replaced before that`),
    onTrouble: (error, retryInMs) => {
      if (error instanceof DeviceRefusedError) refuse(error)
      else complain(`${describe(error)}; next try in ${Math.round(retryInMs / 1000)} s`)
    },
  })
  const stopped = untilStopped()
  const stopping = stopped.then(() => 'stop' as const)
  try {
    const info = await Promise.race([untilReached(() => agent.connect(), stopped), refused])
    if (info === null) return exitCodes.ok
    say(`device ${info.device_id} of ${info.customer_id} is connected to ${new URL(config.proxyUrl).origin}`)
    if (!noCall && config.vapiAssistantId !== null) await startCall(agent, config.vapiAssistantId, stopped)
    await Promise.race([stopping, refused])
    await endCall(agent)
    return exitCodes.ok
  } finally {
    agent.close()
  }
}

async function startCall(agent: DeviceAgent, assistantId: string, stopped: Promise<void>): Promise<void> {
  const started = await untilReached(() => agent.startCall(assistantId), stopped)
  if (started) say(`call ${started.id ?? '(without an id)'} started; Ctrl+C stops it`)
}

async function endCall(agent: DeviceAgent): Promise<void> {
  try {
    await agent.stopCall()
    say('stopped')
  } catch (error) {
    complain(`the call could not be stopped: ${describe(error)}`)
  }
}

/** Tries again with growing pauses while the gateway cannot be reached; null when told to stop meanwhile. */
async function untilReached<T>(attempt: () => Promise<T>, stopped: Promise<void>): Promise<T | null> {
  for (let retryMs = retryFirstMs; ; retryMs = Math.min(retryMs * 2, retryLongestMs)) {
    try {
      return await Promise.race([attempt(), stopped.then(() => null)])
    } catch (error) {
      if (!(error instanceof SallyportUnreachableError)) throw error
      complain(`${describe(error)}; next try in ${Math.round(retryMs / 1000)} s`)
    }
    if ((await pause(retryMs, stopped)) === 'stopped') return null
  }
}

async function pause(delayMs: number, stopped: Promise<void>): Promise<'over' | 'stopped'> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(() => resolve('over'), delayMs)
  })
  const first = await Promise.race([over, stopped.then(() => 'stopped' as const)])
  clearTimeout(timer)
  return first
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve())
  })
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function say(text: string): void {
  console.log(`${new Date().toISOString()} ${text}`)
}

function complain(text: string): void {
  console.error(`sallyport-device: ${text}`)
}
