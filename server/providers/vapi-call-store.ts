// SQL of the calls that devices started at VAPI; client and device come first in every look-up.
import type { Queryable } from '../store/store.ts'

export type VapiCall = { callId: string; clientId: number; devicePk: number; controlUrl: string | null }

const rowsPerDelete = 5000

export function createVapiCallStore(database: Queryable) {
  return {
    /** A call id that is taken stays whose it is, whatever an answer says. */
    async insert({ callId, clientId, devicePk, controlUrl }: VapiCall): Promise<void> {
      await database.query(
        `insert into vapi_calls (call_id, client_id, device_pk, control_url) values ($1, $2, $3, $4)
         on conflict (call_id) do nothing`,
        [callId, clientId, devicePk, controlUrl],
      )
    },

    async find(clientId: number, devicePk: number, callId: string): Promise<VapiCall | null> {
      const { rows } = await database.query<{ control_url: string | null }>(
        'select control_url from vapi_calls where client_id = $1 and device_pk = $2 and call_id = $3',
        [clientId, devicePk, callId],
      )
      return rows[0] ? { callId, clientId, devicePk, controlUrl: rows[0].control_url } : null
    },

    async removeClient(tx: Queryable, clientId: number): Promise<void> {
      await tx.query('delete from vapi_calls where client_id = $1', [clientId])
    },

    /** In parts, so that no statement takes long. */
    async removeOlderThan(days: number): Promise<void> {
      for (;;) {
        const { rowCount } = await database.query(
          `delete from vapi_calls where call_id in (
             select call_id from vapi_calls where created_at < now() - make_interval(days => $1) limit ${rowsPerDelete})`,
          [days],
        )
        if (rowCount < rowsPerDelete) return
      }
    },
  }
}
