// The languages of the console, and what is loaded for each: our texts and Element Plus's.
import type { Language } from 'element-plus/es/locale'
import type en from './locales/en.json'

export type Messages = typeof en
export const locales = ['en', 'zh', 'fr'] as const
export type Locale = (typeof locales)[number]

/** Each language under its own name, for those who can't read the one shown. */
export const localeNames: Record<Locale, string> = { en: 'English', zh: '中文', fr: 'Français' }
/** BCP 47 tags for `<html lang>` and for dates and numbers. */
export const localeTags: Record<Locale, string> = { en: 'en-GB', zh: 'zh-CN', fr: 'fr-FR' }

type LocaleTexts = { messages: Messages; elements: Language }

const loaders: Record<Locale, () => Promise<[{ default: Messages }, { default: Language }]>> = {
  en: () => Promise.all([import('./locales/en.json'), import('element-plus/es/locale/lang/en')]),
  zh: () => Promise.all([import('./locales/zh.json'), import('element-plus/es/locale/lang/zh-cn')]),
  fr: () => Promise.all([import('./locales/fr.json'), import('element-plus/es/locale/lang/fr')]),
}

export async function loadLocale(locale: Locale): Promise<LocaleTexts> {
  const [messages, elements] = await loaders[locale]()
  return { messages: messages.default, elements: elements.default }
}

/** The first of the browser's languages that we speak, else English. */
export function preferredLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    const base = language.toLowerCase().split('-')[0]
    const found = locales.find((locale) => locale === base)
    if (found) return found
  }
  return 'en'
}
