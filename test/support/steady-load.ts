// A steady load over many keep-alive connections: which credential each call carried, when it was sent, and its answer.
import { connect, type Socket } from 'node:net'
import { eventually } from './eventually.ts'
import type { Scope } from './scope.ts'

export type SteadyCall = {
  credential: string
  /** Noted before the bytes are handed over: the call is sent at this time or later, never earlier. */
  sentMs: number
  /** 0 until it is answered, and for good when its connection breaks. */
  status: number
}

export type SteadyLoad = {
  readonly calls: readonly SteadyCall[]
  /** Resolves when this many calls that were sent after `sinceMs` have been answered. */
  untilAnswered(count: number, sinceMs: number): Promise<void>
  /** Sends nothing more; when every call has been answered, resolves with how many were sent in a second. */
  stop(): Promise<number>
}

export type LoadOptions = {
  url: string
  path: string
  /** What is aimed at; a machine that cannot keep up sends as many as it can. */
  perSecond: number
  connections: number
  /** The credential of the next call. */
  next(): string
}

const tickMs = 10
const patienceMs = 30_000

/** Calls are given to the connection that has rested longest, so that all of them are in use. */
export function startSteadyLoad(scope: Scope, options: LoadOptions): SteadyLoad {
  const { url, path, perSecond, connections, next } = options
  const { host, hostname, port } = new URL(url)
  const calls: SteadyCall[] = []
  const lines = Array.from({ length: connections }, () => new Line(hostname, Number(port)))
  const idle = [...lines]
  const startedMs = performance.now()

  async function send(line: Line): Promise<void> {
    const credential = next()
    const call = { credential, sentMs: performance.now(), status: 0 }
    calls.push(call)
    call.status = await line.ask(
      `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${credential}\r\n\r\n`,
    )
    idle.push(line)
  }

  function sendDue(): void {
    const due = ((performance.now() - startedMs) / 1000) * perSecond
    while (calls.length < due) {
      const line = idle.shift()
      if (line === undefined) return
      void send(line)
    }
  }

  const pacer = setInterval(sendDue, tickMs)
  scope.defer(() => {
    clearInterval(pacer)
    for (const line of lines) line.close()
  })
  return {
    calls,
    async untilAnswered(count, sinceMs) {
      const isAnswered = (call: SteadyCall) => call.sentMs > sinceMs && call.status > 0
      const hasEnough = () => calls.filter(isAnswered).length >= count
      await eventually(`${count} answered calls`, hasEnough, patienceMs)
    },
    async stop() {
      clearInterval(pacer)
      const reached = calls.length / ((performance.now() - startedMs) / 1000)
      await eventually('the answers of all calls', () => idle.length === lines.length, patienceMs)
      for (const line of lines) line.close()
      return reached
    },
  }
}

/** One connection that carries one call at a time, and is opened anew when the server closed it. */
class Line {
  readonly #host: string
  readonly #port: number
  #socket: Socket | null = null
  #text = ''
  #settle: ((status: number) => void) | null = null

  constructor(host: string, port: number) {
    this.#host = host
    this.#port = port
  }

  /** Resolves with the status of the answer when its body is there too; with 0 when the connection breaks before. */
  ask(request: string): Promise<number> {
    const answered = new Promise<number>((resolve) => {
      this.#settle = resolve
    })
    this.#text = ''
    this.#socket ??= this.#open()
    this.#socket.write(request, 'latin1')
    return answered
  }

  close(): void {
    this.#socket?.destroy()
  }

  #open(): Socket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true })
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text
      const answer = readAnswer(this.#text)
      if (answer === null) return
      if (answer.closes) this.#leave(socket)
      this.#settle?.(answer.status)
    })
    // A reset connection closes, and that is what counts.
    socket.on('error', () => null)
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = null
      this.#settle?.(0)
    })
    return socket
  }

  /** The server said that it takes no further call on it. */
  #leave(socket: Socket): void {
    this.#socket = null
    socket.destroy()
  }
}

/** Null as long as a part of it is missing. Knows bodies of a told length only. */
function readAnswer(text: string): { status: number; closes: boolean } | null {
  const headBytes = text.indexOf('\r\n\r\n') + 4
  if (headBytes < 4) return null
  const head = text.slice(0, headBytes)
  const bodyBytes = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1]
  if (bodyBytes === undefined) throw new Error(`an answer without content-length:\n${head}`)
  if (text.length < headBytes + Number(bodyBytes)) return null
  return { status: Number(head.slice(9, 12)), closes: /\r\nconnection: close\r\n/i.test(head) }
}
