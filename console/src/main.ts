// Starts the console: theme and language first, so that nothing is shown twice.
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './app.vue'
import { i18n } from './i18n/i18n.ts'
import { router } from './router.ts'
import { useLanguage } from './stores/language.ts'
import { useTheme } from './stores/theme.ts'
import './styles/styles.css'

async function start(): Promise<void> {
  const app = createApp(App).use(createPinia())
  useTheme()
  const language = useLanguage()
  await language.use(language.locale)
  app.use(i18n).use(router).mount('#app')
}

void start()
