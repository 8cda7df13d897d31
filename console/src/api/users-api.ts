// End users: the routes of the admin API as typed functions. They are changed as the clients that they are.
import type { UserItem, UsersPage } from '@sallyport/contract'
import { type Query, request } from './request.ts'

export const listUsers = (query: Query, signal?: AbortSignal) =>
  request<UsersPage>('/users', { query, signal })
export const readUser = (id: number, signal?: AbortSignal) => request<UserItem>(`/users/${id}`, { signal })
