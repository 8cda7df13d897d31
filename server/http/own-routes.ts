// Which of our own paths answer on which port.
import { AppError, isAmbiguousPath } from '@sallyport/contract'

/** Pages that must not share an origin with pages of the downstream. */
const consolePages = /^\/(admin\/ui|portal)(\/|$)/
const servedOnConsolePort = /^\/(admin|portal|docs|health)(\/|$)/

/** Why an own path is not served here; null when it is. */
export function refuseOwnPath(
  path: string,
  port: { hasConsolePort: boolean; onConsolePort: boolean },
): AppError | null {
  if (isAmbiguousPath(path)) return new AppError('bad_path')
  if (port.onConsolePort) return servedOnConsolePort.test(path) ? null : new AppError('not_found')
  if (port.hasConsolePort && consolePages.test(path)) {
    return new AppError('not_found', {
      message: 'Console and portal answer on a port of their own, which the operator set as CONSOLE_PORT.',
    })
  }
  return null
}
