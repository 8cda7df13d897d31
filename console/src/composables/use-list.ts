// A list page: its query lives in the address bar, its rows come from the server, only the newest answer counts.
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { Page } from '../api/admin-api.ts'
import { type ApiError, asApiError, isAbort } from '../api/api-error.ts'
import type { Query } from '../api/request.ts'
import { type ListQuery, readListQuery, writeListQuery } from './list-query.ts'

type ListOptions<Item, Name extends string> = {
  filters: readonly Name[]
  load: (query: Query, signal: AbortSignal) => Promise<Page<Item>>
  /** What the server is asked for, when that is not the filters as they are. */
  toQuery?: (filters: Record<Name, string>) => Query
}

export function useList<Item, Name extends string>(options: ListOptions<Item, Name>) {
  const route = useRoute()
  const router = useRouter()
  const ownName = route.name
  const list = computed(() => readListQuery(route.query, options.filters))
  const items = shallowRef<readonly Item[]>([])
  const total = ref<number>()
  const error = shallowRef<ApiError>()
  const isLoading = ref(false)
  const filterQuery = computed<Query>(() => options.toQuery?.(list.value.filters) ?? list.value.filters)
  let current = new AbortController()

  async function reload(): Promise<void> {
    current.abort()
    current = new AbortController()
    const { signal } = current
    isLoading.value = true
    try {
      const { page, pageSize } = list.value
      const answer = await options.load({ ...filterQuery.value, page, page_size: pageSize }, signal)
      if (signal.aborted) return
      items.value = answer.items
      total.value = answer.total
      error.value = undefined
      await leaveEmptyPage()
    } catch (cause) {
      if (!isAbort(cause)) error.value = asApiError(cause)
    }
    if (!signal.aborted) isLoading.value = false
  }

  /** Unbinding the last row of the last page leaves a page that no longer exists. */
  async function leaveEmptyPage(): Promise<void> {
    const { page, pageSize } = list.value
    const pageLast = Math.max(1, Math.ceil((total.value ?? 0) / pageSize))
    if (items.value.length === 0 && page > pageLast) await go({ page: pageLast }, 'replace')
  }

  async function go(change: Partial<ListQuery<Name>>, how: 'push' | 'replace' = 'push'): Promise<void> {
    await router[how]({ query: writeListQuery({ ...list.value, ...change }) })
  }

  const isOwnRoute = () => route.name === ownName
  watch(
    () => isOwnRoute() && JSON.stringify(list.value),
    (own) => own && void reload(),
    { immediate: true },
  )
  onScopeDispose(() => current.abort())

  return {
    items,
    total,
    error,
    isLoading,
    filterQuery,
    page: computed(() => list.value.page),
    pageSize: computed(() => list.value.pageSize),
    filters: computed(() => list.value.filters),
    hasFilters: computed(() => Object.values(list.value.filters).some(Boolean)),
    reload,
    goToPage: (page: number) => go({ page }),
    setPageSize: (pageSize: number) => go({ pageSize, page: 1 }),
    applyFilters: (filters: Record<Name, string>) => go({ filters, page: 1 }),
  }
}
