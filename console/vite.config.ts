// How the console is built: under /admin/ui/, without anything that a strict Content-Security-Policy refuses.
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { compressAssets } from './build/compress-assets.ts'
import { precompileMessages } from './build/precompile-messages.ts'

const gatewayUrl = process.env.GATEWAY_URL ?? 'http://127.0.0.1:7000'

export default defineConfig({
  base: '/admin/ui/',
  plugins: [precompileMessages(), vue(), compressAssets()],
  // The runtime build has no message compiler: locale files are compiled while building.
  resolve: { alias: [{ find: /^vue-i18n$/, replacement: 'vue-i18n/dist/vue-i18n.runtime.mjs' }] },
  define: {
    __VUE_OPTIONS_API__: 'true',
    __VUE_PROD_DEVTOOLS__: 'false',
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: 'false',
    __VUE_I18N_FULL_INSTALL__: 'false',
    __VUE_I18N_LEGACY_API__: 'false',
    __INTLIFY_DROP_MESSAGE_COMPILER__: 'true',
    __INTLIFY_PROD_DEVTOOLS__: 'false',
  },
  build: {
    target: 'es2022',
    // A data: URL of a script or style would be refused by the policy; small files stay files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/admin/api': gatewayUrl } },
})
