// Whether an admin is signed in; the session itself is a cookie that no script can read.
import { defineStore } from 'pinia'
import { ref } from 'vue'
import * as api from '../api/admin-api.ts'
import { onUnauthenticated } from '../api/request.ts'

export const useSession = defineStore('session', () => {
  const state = ref<'unknown' | 'signed_in' | 'signed_out'>('unknown')

  /** Asks the gateway once; later answers of 401 tell when the session has ended. */
  async function isSignedIn(): Promise<boolean> {
    if (state.value === 'unknown') {
      // A gateway that is away says nothing about the session: the page itself tells what failed.
      await api.readSession().then(markSignedIn, () => undefined)
    }
    return state.value !== 'signed_out'
  }

  async function signIn(password: string): Promise<void> {
    await api.signIn(password)
    markSignedIn()
  }

  async function signOut(): Promise<void> {
    await api.signOut()
    markEnded()
  }

  function markSignedIn(): void {
    state.value = 'signed_in'
  }

  function markEnded(): void {
    state.value = 'signed_out'
  }

  onUnauthenticated(markEnded)
  return { state, isSignedIn, signIn, signOut }
})
