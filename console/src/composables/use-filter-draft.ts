// What is typed into the filters of a list before it is applied; it follows what is applied elsewhere, as by the address.
import { reactive, type UnwrapNestedRefs, watch } from 'vue'

export function useFilterDraft<Filters extends Record<string, string>>(
  applied: () => Filters,
  apply: (filters: Filters) => void,
): { draft: UnwrapNestedRefs<Filters>; apply: () => void } {
  const draft = reactive<Filters>({ ...applied() })
  watch(applied, (filters) => Object.assign(draft, filters))
  return { draft, apply: () => apply({ ...draft } as Filters) }
}
