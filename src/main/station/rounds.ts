/** Leaves a round out while the one before still runs: a server that is silent for minutes is not asked again every few seconds. */
export function every(seconds: number, work: () => Promise<void>, failed: (error: unknown) => void): NodeJS.Timeout {
  let running = false
  return setInterval(() => {
    if (running) return
    running = true
    void work()
      .catch(failed)
      .finally(() => {
        running = false
      })
  }, seconds * 1000)
}
