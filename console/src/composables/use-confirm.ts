// Asks before something that can't simply be taken back.
import { ElMessageBox } from 'element-plus'
import { useI18n } from 'vue-i18n'

export type Question = { title: string; text: string; confirm: string; isDangerous?: boolean }

export function useConfirm(): (question: Question) => Promise<boolean> {
  const { t } = useI18n()
  return async ({ title, text, confirm, isDangerous = false }) => {
    try {
      await ElMessageBox.confirm(text, title, {
        confirmButtonText: confirm,
        cancelButtonText: t('common.cancel'),
        confirmButtonType: isDangerous ? 'danger' : 'primary',
        closeOnClickModal: false,
        draggable: false,
      })
      return true
    } catch {
      return false
    }
  }
}
