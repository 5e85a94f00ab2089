/**
 * Whether something may be tried again: at most `times` in any `windowMs`. Without it a policy that blocks our page, or a browser
 * that dies at once, would make a loop without end.
 */
export function restartBudget(times: number, windowMs: number, now: () => number): () => boolean {
  let used: readonly number[] = []
  return () => {
    const at = now()
    used = used.filter((earlier) => at - earlier < windowMs)
    if (used.length >= times) return false
    used = [...used, at]
    return true
  }
}
