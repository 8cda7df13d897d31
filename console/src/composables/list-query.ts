// A list's page and filters as they stand in the address bar, read and written.
import type { LocationQuery } from 'vue-router'

export const pageSizes = [20, 50, 100, 200] as const
const pageSizeDefault = 20

export type ListQuery<Name extends string> = {
  page: number
  pageSize: number
  filters: Record<Name, string>
}

function single(value: LocationQuery[string] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? ''
}

/** What a hand-made address says wrongly falls back to the first page of the usual size. */
export function readListQuery<Name extends string>(
  query: LocationQuery,
  names: readonly Name[],
): ListQuery<Name> {
  const page = Number(single(query.page))
  const pageSize = Number(single(query.page_size))
  const filters = Object.fromEntries(names.map((name) => [name, single(query[name])]))
  return {
    page: Number.isSafeInteger(page) && page > 0 ? page : 1,
    pageSize: pageSizes.find((size) => size === pageSize) ?? pageSizeDefault,
    filters: filters as Record<Name, string>,
  }
}

/** Only what differs from the plain list, so that its address stays plain. */
export function writeListQuery<Name extends string>(list: ListQuery<Name>): Record<string, string> {
  const query: Record<string, string> = {}
  for (const [name, value] of Object.entries<string>(list.filters)) {
    if (value.trim()) query[name] = value.trim()
  }
  if (list.page > 1) query.page = String(list.page)
  if (list.pageSize !== pageSizeDefault) query.page_size = String(list.pageSize)
  return query
}
