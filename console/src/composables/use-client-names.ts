// Names of the clients that a list tells by their numbers, asked for all at once.
import { onScopeDispose, shallowRef, watch } from 'vue'
import { listClients } from '../api/clients-api.ts'

/** `ids` may repeat and are 200 at most. A client that is gone, or whose name could not be had, has none. */
export function useClientNames(ids: () => readonly number[]) {
  const names = shallowRef<ReadonlyMap<number, string>>(new Map())
  let current = new AbortController()

  async function load(text: string): Promise<void> {
    current.abort()
    current = new AbortController()
    const { signal } = current
    const found = await listClients({ ids: text, page_size: 200 }, signal).catch(() => null)
    if (!signal.aborted && found) names.value = new Map(found.items.map(({ id, name }) => [id, name]))
  }

  const wanted = () => [...new Set(ids())].sort((a, b) => a - b).join(',')
  watch(wanted, (text) => text && void load(text), { immediate: true })
  onScopeDispose(() => current.abort())
  return (id: number) => names.value.get(id)
}
