import type { Locator } from '@playwright/test'

export interface Scroll {
  readonly frames: number
  readonly dropped: number
  readonly longestMs: number
  readonly p95Ms: number
}

/** Share of the frames that were dropped. */
export const shareOf = ({ frames, dropped }: Scroll) => dropped / (frames + dropped)

/** Scrolls a list for some seconds, frame by frame, and counts the frames that came late. 0 pixels: stands still. */
export async function scrollGrid(grid: Locator, pixelsAFrame: number): Promise<Scroll> {
  await grid.getByRole('row').nth(5).waitFor()
  return await grid.evaluate(
    (scroller, step) =>
      new Promise<Scroll>((resolve) => {
        const deltas: number[] = []
        let before: number | null = null
        const until = performance.now() + 4000
        const frame = (now: number) => {
          if (before !== null) deltas.push(now - before)
          before = now
          scroller.scrollTop += step
          if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1) scroller.scrollTop = 0
          if (now < until) {
            requestAnimationFrame(frame)
            return
          }
          const sorted = deltas.toSorted((a, b) => a - b)
          // The display's own beat, whatever it is here; a frame is dropped for each whole beat that passed without one.
          const beat = sorted[Math.floor(sorted.length * 0.05)] ?? 16.7
          resolve({
            frames: deltas.length,
            dropped: deltas.reduce((sum, delta) => sum + Math.max(0, Math.round(delta / beat) - 1), 0),
            longestMs: sorted.at(-1) ?? 0,
            p95Ms: sorted[Math.floor(sorted.length * 0.95)] ?? 0,
          })
        }
        requestAnimationFrame(frame)
      }),
    pixelsAFrame,
  )
}
