// The language of the console: as the operator chose, else the browser's.
import type { Language } from 'element-plus/es/locale'
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { remembered } from '../composables/remembered.ts'
import { i18n } from '../i18n/i18n.ts'
import { type Locale, loadLocale, locales, localeTags, preferredLocale } from '../i18n/locale.ts'

export const useLanguage = defineStore('language', () => {
  const locale = remembered('language', locales, preferredLocale(navigator.languages))
  const elements = shallowRef<Language>()
  const tag = computed(() => localeTags[locale.value])

  /** Loads the texts first: a switch never shows bare keys. */
  async function use(next: Locale): Promise<void> {
    const texts = await loadLocale(next)
    i18n.global.setLocaleMessage(next, texts.messages)
    i18n.global.locale.value = next
    locale.value = next
    elements.value = texts.elements
    document.documentElement.lang = localeTags[next]
  }

  return { locale, tag, elements, use }
})
