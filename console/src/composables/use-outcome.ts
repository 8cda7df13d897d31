// Tells how an action ended, in a message that screen readers speak.
import { ElMessage } from 'element-plus'
import { useI18n } from 'vue-i18n'
import { asApiError } from '../api/api-error.ts'
import { useErrorText } from './use-error-text.ts'

export function useOutcome() {
  const { t } = useI18n()
  const errorText = useErrorText()
  return {
    succeeded(text: string): void {
      ElMessage({ type: 'success', message: text, grouping: true })
    },
    failed(cause: unknown): void {
      const error = asApiError(cause)
      // What it is in conflict with only the gateway knows.
      const reason = error.code === 'conflict' ? ` ${error.message}` : ''
      const quote = error.requestId ? ` ${t('errors.quote', { id: error.requestId })}` : ''
      ElMessage({
        type: 'error',
        message: errorText(error) + reason + quote,
        duration: 10_000,
        showClose: true,
      })
    },
  }
}
