// A list page: its query lives in the address bar, its rows come from the server, only the newest answer counts.
import { computed, onScopeDispose, proxyRefs, ref, shallowRef, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import type { Page } from '../api/admin-api.ts'
import { type ApiError, asApiError } from '../api/api-error.ts'
import { fieldErrorsOf, noFieldErrors } from '../api/field-errors.ts'
import type { Query } from '../api/request.ts'
import { type ListQuery, readListQuery, writeListQuery } from './list-query.ts'

type ListOptions<Item, Name extends string> = {
  filters: readonly Name[]
  load: (query: Query, signal: AbortSignal) => Promise<Page<Item>>
  /** What the server is asked for, when that is not the filters as they are. */
  toQuery?: (filters: Record<Name, string>) => Query
}

/** What the frame of a list needs to know of it, whatever its items are. */
export type ListState = {
  readonly items: readonly unknown[]
  readonly total: number | undefined
  /** The list is long and still being counted. */
  readonly isTotalEstimated: boolean
  readonly isLoading: boolean
  readonly error: ApiError | undefined
  /** The error, unless all of it is said at the filters. */
  readonly failure: ApiError | undefined
  readonly hasFilters: boolean
  readonly page: number
  readonly pageSize: number
  reload: () => Promise<void>
  goToPage: (page: number) => Promise<void>
  setPageSize: (pageSize: number) => Promise<void>
  clearFilters: () => Promise<void>
}

export type List<Item, Name extends string> = Omit<ListState, 'items'> & {
  readonly items: readonly Item[]
  readonly filters: Record<Name, string>
  readonly filterErrors: Partial<Record<string, string>>
  /** The filters as the server is asked for them. */
  readonly filterQuery: Query
  applyFilters: (filters: Record<Name, string>) => Promise<void>
  /** Reads the page again while it stays as it is; a failure leaves its rows. Nothing while it is being read anyway. */
  refresh: () => Promise<void>
}

export function useList<Item, Name extends string>(options: ListOptions<Item, Name>): List<Item, Name> {
  const address = useListAddress(options.filters)
  const { query } = address
  const items = shallowRef<readonly Item[]>([])
  const total = ref<number>()
  const isTotalEstimated = ref(false)
  const error = shallowRef<ApiError>()
  const isLoading = ref(false)
  const filters = computed(() => query.value.filters)
  const filterQuery = computed<Query>(() => options.toQuery?.(filters.value) ?? filters.value)
  const errors = computed(() => (error.value ? fieldErrorsOf(error.value, options.filters) : noFieldErrors()))
  let current = new AbortController()

  async function read(whenFailed: () => void): Promise<void> {
    current.abort()
    current = new AbortController()
    const { signal } = current
    try {
      const { page, pageSize } = query.value
      const answer = await options.load({ ...filterQuery.value, page, page_size: pageSize }, signal)
      if (signal.aborted) return
      take(answer)
    } catch (cause) {
      if (signal.aborted) return
      error.value = asApiError(cause)
      whenFailed()
    }
    isLoading.value = false
  }

  function reload(): Promise<void> {
    isLoading.value = true
    return read(() => {
      items.value = []
      total.value = undefined
    })
  }

  function take(answer: Page<Item>): void {
    items.value = answer.items
    total.value = answer.total
    isTotalEstimated.value = answer.total_is_estimate === true
    error.value = undefined
    // Unbinding the last row of the last page leaves a page that no longer exists; an estimate may offer one that never did.
    const pageLast = Math.max(1, Math.ceil(answer.total / query.value.pageSize))
    if (answer.items.length === 0 && query.value.page > pageLast)
      void address.go({ page: pageLast }, 'replace')
  }

  watch(address.own, (own) => own !== null && void reload(), { immediate: true })
  onScopeDispose(() => current.abort())

  return proxyRefs({
    items,
    total,
    isTotalEstimated,
    isLoading,
    error,
    failure: computed(() => (errors.value.other.length > 0 ? error.value : undefined)),
    filterErrors: computed(() => errors.value.byField),
    filters,
    hasFilters: computed(() => Object.values(filters.value).some(Boolean)),
    filterQuery,
    page: computed(() => query.value.page),
    pageSize: computed(() => query.value.pageSize),
    reload,
    refresh: async () => (isLoading.value ? undefined : read(() => undefined)),
    goToPage: (page: number) => address.go({ page }),
    setPageSize: (pageSize: number) => address.go({ pageSize, page: 1 }),
    applyFilters: (changed: Record<Name, string>) => address.go({ filters: changed, page: 1 }),
    clearFilters: () => address.clear(),
  })
}

/** The list's query in the address bar. */
function useListAddress<Name extends string>(names: readonly Name[]) {
  const route = useRoute()
  const router = useRouter()
  const ownName = route.name
  const query = computed(() => readListQuery(route.query, names))

  async function go(change: Partial<ListQuery<Name>>, how: 'push' | 'replace' = 'push'): Promise<void> {
    await router[how]({ query: writeListQuery({ ...query.value, ...change }) })
  }

  async function clear(): Promise<void> {
    await router.push({
      query: writeListQuery({ ...readListQuery({}, names), pageSize: query.value.pageSize }),
    })
  }

  /** Text of the query, to see when it changes; null while another page is on its way in. */
  const own = () => (route.name === ownName ? JSON.stringify(query.value) : null)
  return { query, own, go, clear }
}
