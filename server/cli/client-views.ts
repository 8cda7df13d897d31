// How clients are shown: one with all that belongs to it, or a page of them with their keys.
import { type ClientItem, devicesPage, type KeyItem, providerKeysAnswer } from '@sallyport/contract'
import type { AdminClient } from './admin-client.ts'
import { deviceColumns } from './device-columns.ts'
import { keyColumns, readKeys } from './key-columns.ts'
import { type Column, formatPageLine, formatTable, formatTime } from './table.ts'
import { printLine, type Terminal } from './terminal.ts'

/** Clients whose keys are asked for at once. */
const lookUpsAtOnce = 8

const columns: readonly Column<ClientItem>[] = [
  { title: 'ID', cell: (client) => String(client.id), align: 'right' },
  { title: 'EXTERNAL ID', cell: (client) => client.external_id },
  { title: 'NAME', cell: (client) => client.name },
  { title: 'EMAIL', cell: (client) => client.email ?? '-' },
  { title: 'STATUS', cell: (client) => client.status },
  {
    title: 'PER MINUTE',
    cell: (client) => String(client.settings.requests_per_minute ?? '-'),
    align: 'right',
  },
  { title: 'CREATED', cell: (client) => formatTime(client.created_at) },
]

export function printClient(terminal: Terminal, client: ClientItem): void {
  printLine(terminal, formatTable(columns, [client]))
}

type ClientsPage = { items: ClientItem[]; total: number; page: number; page_size: number }

/** Two tables: a client may have many keys. */
export async function printClients(
  terminal: Terminal,
  gateway: AdminClient,
  page: ClientsPage,
): Promise<void> {
  const rows: { client: ClientItem; key: KeyItem }[] = []
  const remarks: string[] = []
  for (let from = 0; from < page.items.length; from += lookUpsAtOnce) {
    const clients = page.items.slice(from, from + lookUpsAtOnce)
    const found = await Promise.all(
      clients.map(async (client) => ({ client, ...(await readKeys(gateway, client.id)) })),
    )
    for (const { client, items, total } of found) {
      rows.push(...items.map((key) => ({ client, key })))
      if (total > items.length) remarks.push(`Client ${client.id} has ${total - items.length} more keys.`)
    }
  }
  printLine(terminal, formatTable(columns, page.items))
  printLine(terminal, `${formatPageLine(page)}\n`)
  if (rows.length === 0) return printLine(terminal, 'None of them has a key.')
  printLine(terminal, `Their keys:\n${formatTable(clientKeyColumns(terminal), rows)}`)
  for (const remark of remarks) printLine(terminal, remark)
}

function clientKeyColumns(terminal: Terminal): Column<{ client: ClientItem; key: KeyItem }>[] {
  const ofKey = keyColumns(terminal).map((column) => ({
    ...column,
    cell: ({ key }: { key: KeyItem }) => column.cell(key),
  }))
  return [{ title: 'CLIENT', cell: ({ client }) => client.external_id }, ...ofKey]
}

export async function printBelongings(
  terminal: Terminal,
  gateway: AdminClient,
  { id }: ClientItem,
): Promise<void> {
  const keys = await readKeys(gateway, id)
  const query = { client_id: id, page_size: 200 }
  const devices = await gateway.call('GET', '/admin/api/devices', devicesPage, { query })
  const path = `/admin/api/clients/${id}/provider-keys`
  const providerKeys = await gateway.call('GET', path, providerKeysAnswer)
  printTable(terminal, { title: 'Keys', columns: keyColumns(terminal), ...keys })
  printTable(terminal, { title: 'Devices', columns: deviceColumns(terminal), ...devices.value })
  printTable(terminal, {
    title: 'Own provider keys',
    columns: [
      { title: 'PROVIDER', cell: (key) => key.provider },
      { title: 'KEY', cell: (key) => `****${key.last4}` },
      { title: 'SET', cell: (key) => formatTime(key.updated_at) },
    ],
    items: providerKeys.value.items,
    total: providerKeys.value.items.length,
  })
}

function printTable<Row>(
  terminal: Terminal,
  table: { title: string; columns: readonly Column<Row>[]; items: readonly Row[]; total: number },
): void {
  const { title, items, total } = table
  const text = items.length === 0 ? ' none' : `\n${formatTable(table.columns, items)}`
  printLine(terminal, `\n${title}:${text}`)
  if (total > items.length) printLine(terminal, `${total - items.length} more.`)
}
