// What the gateway says of itself: version, modes, engines.
import type { GatewayAnswer } from '@sallyport/contract'
import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { readGateway } from '../api/admin-api.ts'

export const useGateway = defineStore('gateway', () => {
  const state = ref<GatewayAnswer | null>(null)

  /** Where clients and devices reach the gateway: as its operator said, else where this page was loaded from. */
  const clientUrl = computed(() => state.value?.public_url ?? location.origin)

  async function refresh(signal?: AbortSignal): Promise<void> {
    state.value = await readGateway(signal)
  }

  return { state, clientUrl, refresh }
})
