// Which client a command means: an id, or the external_id by which its devices know it.
import { type ClientItem, clientItem, clientsPage, externalId } from '@sallyport/contract'
import type { AdminClient } from './admin-client.ts'
import { CommandFailure, exitCodes } from './failure.ts'

export const clientArgument = 'id of the client, or its external_id'

const pageSize = 200

/** Digits alone are an id. Throws CommandFailure: `usage` for what can be neither, else what the gateway says. */
export async function findClient(gateway: AdminClient, reference: string): Promise<ClientItem> {
  if (/^[1-9]\d{0,9}$/.test(reference)) {
    return (await gateway.call('GET', `/admin/api/clients/${reference}`, clientItem)).value
  }
  if (!externalId.safeParse(reference).success) {
    throw new CommandFailure(
      `"${reference}" is neither the id nor the external_id of a client. 'sallyport clients list' shows both`,
      exitCodes.usage,
    )
  }
  return findByExternalId(gateway, reference)
}

/** For a list that may be narrowed to one client. */
export async function findClientId(
  gateway: AdminClient,
  reference: string | undefined,
): Promise<number | undefined> {
  return reference === undefined ? undefined : (await findClient(gateway, reference)).id
}

/** The list is asked for what begins with the text; a client may have to be looked for among its namesakes. */
async function findByExternalId(gateway: AdminClient, reference: string): Promise<ClientItem> {
  for (let page = 1; ; page++) {
    const query = { q: reference, page, page_size: pageSize }
    const { value } = await gateway.call('GET', '/admin/api/clients', clientsPage, { query })
    const found = value.items.find((client) => client.external_id === reference)
    if (found) return found
    if (page * pageSize >= value.total) {
      throw new CommandFailure(
        `there is no client with the external_id "${reference}". 'sallyport clients list' shows all`,
      )
    }
  }
}
