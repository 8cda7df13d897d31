// Repeats a task while its component is there and the page is visible, never two at once.
import { onBeforeUnmount, onMounted } from 'vue'

export function usePolling(task: (signal: AbortSignal) => Promise<void>, intervalMs: number): () => void {
  const stopped = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  let running = false

  async function run(): Promise<void> {
    clearTimeout(timer)
    if (running || stopped.signal.aborted || document.hidden) return
    running = true
    await task(stopped.signal).finally(() => {
      running = false
    })
    if (!stopped.signal.aborted) timer = setTimeout(start, intervalMs)
  }
  const start = () => void run()

  onMounted(() => {
    document.addEventListener('visibilitychange', start)
    start()
  })
  onBeforeUnmount(() => {
    stopped.abort()
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', start)
  })
  return start
}
