// What the gateway says of itself: version, modes, engines.
import type { GatewayAnswer } from '@sallyport/contract'
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { readGateway } from '../api/admin-api.ts'

export const useGateway = defineStore('gateway', () => {
  const state = ref<GatewayAnswer | null>(null)

  async function refresh(signal?: AbortSignal): Promise<void> {
    state.value = await readGateway(signal)
  }

  return { state, refresh }
})
