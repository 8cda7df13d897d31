// The vue-i18n instance; texts are put in by the language store, one language at a time.
import { createI18n } from 'vue-i18n'
import type { Locale, Messages } from './locale.ts'

export const i18n = createI18n<[Messages], Locale, false>({
  legacy: false,
  locale: 'en',
  messages: {} as Record<Locale, Messages>,
})
