/** What waits for a person holds nothing up, and is asked about seldom. */
const seldomMs = 60_000

/** Whether it is time to ask about something again: at once the first time, then once a minute. */
export function createSeldom(now: () => Date): (name: string) => boolean {
  const last = new Map<string, number>()
  return (name) => {
    const at = now().getTime()
    if (at - (last.get(name) ?? Number.NEGATIVE_INFINITY) < seldomMs) return false
    last.set(name, at)
    return true
  }
}
