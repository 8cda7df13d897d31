// Whether an address answers with Motion JPEG: pictures without times of their own, which are as old as their arrival.
import { get as getPlain } from 'node:http'
import { get as getSecure } from 'node:https'

const patienceMs = 5_000

/** Looks at the head of one answer. False also where nobody answers: whoever reads the source says what is wrong. */
export function isMotionJpeg(source: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const get = /^https:/i.test(source) ? getSecure : getPlain
      const request = get(source, { timeout: patienceMs, signal, agent: false }, (response) => {
        resolve(/^multipart\//i.test(response.headers['content-type'] ?? ''))
        request.destroy()
      })
      request.once('timeout', () => request.destroy())
      request.on('error', () => resolve(false))
      request.once('close', () => resolve(false))
    } catch {
      resolve(false)
    }
  })
}
