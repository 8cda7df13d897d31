// Light or dark: as the operator chose, else as the system says.
import { defineStore } from 'pinia'
import { computed, watchEffect } from 'vue'
import { remembered } from '../composables/remembered.ts'
import { useMediaQuery } from '../composables/use-media-query.ts'

export const themeChoices = ['system', 'light', 'dark'] as const

export const useTheme = defineStore('theme', () => {
  const choice = remembered('theme', themeChoices, 'system')
  const systemIsDark = useMediaQuery('(prefers-color-scheme: dark)')
  const isDark = computed(() => (choice.value === 'system' ? systemIsDark.value : choice.value === 'dark'))
  // Element Plus takes its dark colours from this class.
  watchEffect(() => document.documentElement.classList.toggle('dark', isDark.value))
  return { choice, isDark }
})
