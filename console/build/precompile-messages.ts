// Vite plugin that compiles the locale files while building, so that the browser needs no message compiler.
import { baseCompile } from '@intlify/message-compiler'
import type { Plugin } from 'vite'

type Messages = { [key: string]: string | Messages }

const localeFile = /\/i18n\/locales\/[a-z-]+\.json$/
/** What vue-i18n's syntax gives a meaning to; any other text is its own message. */
const specialCharacters = /[{}@|]/

/** Each text with placeholders or plural forms becomes its syntax tree; plain texts stay strings. */
export function compileMessages(messages: Messages): Record<string, unknown> {
  const entries = Object.entries(messages).map(([key, value]) => [key, compileMessage(key, value)])
  return Object.fromEntries(entries)
}

function compileMessage(key: string, value: string | Messages): unknown {
  if (typeof value !== 'string') return compileMessages(value)
  if (!specialCharacters.test(value)) return value
  const onError = (error: Error) => {
    throw new Error(`Message "${key}" is malformed: ${error.message}`)
  }
  return baseCompile(value, { jit: true, minify: true, location: false, onError }).ast
}

/** Runs before Vite's own JSON plugin, which then turns the compiled JSON into a module. */
export function precompileMessages(): Plugin {
  return {
    name: 'sallyport:precompile-messages',
    enforce: 'pre',
    transform(code, id) {
      if (!localeFile.test(id)) return null
      return { code: JSON.stringify(compileMessages(JSON.parse(code))), map: null }
    },
  }
}
