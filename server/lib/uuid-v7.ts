// Ids that sort by the time they were made (UUID version 7, RFC 9562 §5.7).
import { randomFillSync } from 'node:crypto'

/** Random bytes are fetched for many ids at once: a call of the system for each would cost more than the id. */
const idBytes = 10
const pool = Buffer.alloc(idBytes * 512)
let used = pool.length

/** The id of something that was made at `nowMs` (milliseconds since 1970). */
export function createUuidV7(nowMs: number): string {
  if (used >= pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const time = Math.floor(nowMs).toString(16).padStart(12, '0')
  const random = pool.toString('hex', used, used + idBytes)
  used += idBytes
  const variant = (8 + (Number.parseInt(random.charAt(3), 16) & 3)).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`
}
