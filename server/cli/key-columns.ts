// API keys in tables, and how a command reads those of a client.
import { type KeyItem, keysPage } from '@sallyport/contract'
import type { AdminClient } from './admin-client.ts'
import { type Column, formatAge, formatList, formatTime } from './table.ts'
import type { Terminal } from './terminal.ts'

/** The first keys of a client and how many there are. */
export async function readKeys(gateway: AdminClient, clientId: number) {
  const query = { page_size: 200 }
  const { value } = await gateway.call('GET', `/admin/api/clients/${clientId}/keys`, keysPage, { query })
  return value
}

export function keyColumns(terminal: Terminal): Column<KeyItem>[] {
  return [
    { title: 'ID', cell: (key) => String(key.id), align: 'right' },
    { title: 'KEY', cell: (key) => key.display },
    { title: 'NAME', cell: (key) => key.name ?? '-' },
    { title: 'STATUS', cell: (key) => key.status },
    { title: 'SCOPES', cell: (key) => (key.scopes ? formatList(key.scopes) : 'all') },
    { title: 'MODELS', cell: (key) => (key.models ? formatList(key.models) : 'all') },
    { title: 'PER MINUTE', cell: (key) => String(key.requests_per_minute ?? '-'), align: 'right' },
    { title: 'CREATED', cell: (key) => formatTime(key.created_at) },
    { title: 'EXPIRES', cell: (key) => formatTime(key.expires_at) },
    { title: 'LAST USED', cell: (key) => formatAge(key.last_used_at, terminal.now()) },
  ]
}
