// Seconds that are left until a login is worth another try.
import { computed, onScopeDispose, ref } from 'vue'

/** `61` → `1:01`. */
export function minutesAndSeconds(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

export function useCountdown() {
  const secondsLeft = ref(0)
  let timer: ReturnType<typeof setInterval> | undefined

  function start(seconds: number): void {
    clearInterval(timer)
    const endsAt = Date.now() + seconds * 1000
    secondsLeft.value = Math.ceil(seconds)
    timer = setInterval(() => {
      secondsLeft.value = Math.max(0, Math.ceil((endsAt - Date.now()) / 1000))
      if (secondsLeft.value === 0) clearInterval(timer)
    }, 1000)
  }

  onScopeDispose(() => clearInterval(timer))
  return {
    start,
    isRunning: computed(() => secondsLeft.value > 0),
    text: computed(() => minutesAndSeconds(secondsLeft.value)),
  }
}
