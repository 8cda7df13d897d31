// What to say about a failed call, in the operator's language where we know the case.
import { useI18n } from 'vue-i18n'
import type { ApiError } from '../api/api-error.ts'

export function useErrorText(): (error: ApiError) => string {
  const { t, te } = useI18n()
  return (error) => {
    const key = `errors.${error.code}`
    if (te(key)) return t(key)
    return error.message || t('errors.unreadable_answer')
  }
}
