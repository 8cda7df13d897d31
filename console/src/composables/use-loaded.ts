// One thing that a page shows, loaded when the page opens and again on request.
import { onScopeDispose, type ShallowRef, shallowRef } from 'vue'
import { type ApiError, asApiError } from '../api/api-error.ts'

export type Loaded<Value> = {
  value: ShallowRef<Value | undefined>
  error: ShallowRef<ApiError | undefined>
  /** What was loaded before stays until the newer answer is there. */
  reload: () => Promise<void>
}

export function useLoaded<Value>(load: (signal: AbortSignal) => Promise<Value>): Loaded<Value> {
  const value = shallowRef<Value>()
  const error = shallowRef<ApiError>()
  let current = new AbortController()

  async function reload(): Promise<void> {
    current.abort()
    current = new AbortController()
    const { signal } = current
    try {
      const answer = await load(signal)
      if (signal.aborted) return
      value.value = answer
      error.value = undefined
    } catch (cause) {
      if (!signal.aborted) error.value = asApiError(cause)
    }
  }

  onScopeDispose(() => current.abort())
  void reload()
  return { value, error, reload }
}
