// Whether a CSS media query holds right now.
import { onScopeDispose, type Ref, readonly, ref } from 'vue'

export function useMediaQuery(query: string): Readonly<Ref<boolean>> {
  const list = matchMedia(query)
  const matches = ref(list.matches)
  const update = () => {
    matches.value = list.matches
  }
  list.addEventListener('change', update)
  onScopeDispose(() => list.removeEventListener('change', update))
  return readonly(matches)
}

/** The width below which the menu is a drawer and tables are cards; styles/layout.css names the same. */
export const useNarrowScreen = () => useMediaQuery('(max-width: 760px)')
