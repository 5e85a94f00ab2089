/** Whether it is time to ask about something again: at once the first time, then after `milliseconds`. */
export function createSeldom(now: () => Date, milliseconds: number): (name: string) => boolean {
  const last = new Map<string, number>()
  return (name) => {
    const at = now().getTime()
    if (at - (last.get(name) ?? Number.NEGATIVE_INFINITY) < milliseconds) return false
    last.set(name, at)
    return true
  }
}
