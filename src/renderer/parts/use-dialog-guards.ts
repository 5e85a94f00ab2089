import { useEffect, useEffectEvent } from 'react'

/** A dialog that nobody touches for this long closes: not answering means no. */
const idleMilliseconds = 120_000

/** Calls `drop` when the window loses the focus or is hidden. */
export function useDropOnBlur(drop: () => void): void {
  const latest = useEffectEvent(drop)
  useEffect(() => {
    const onBlur = () => latest()
    const onHidden = () => {
      if (document.visibilityState === 'hidden') latest()
    }
    window.addEventListener('blur', onBlur)
    document.addEventListener('visibilitychange', onHidden)
    return () => {
      window.removeEventListener('blur', onBlur)
      document.removeEventListener('visibilitychange', onHidden)
    }
  }, [])
}

export function useIdleClose(paused: boolean, close: () => void): void {
  const latest = useEffectEvent(close)
  useEffect(() => {
    if (paused) return
    let timer = setTimeout(() => latest(), idleMilliseconds)
    const restart = () => {
      clearTimeout(timer)
      timer = setTimeout(() => latest(), idleMilliseconds)
    }
    window.addEventListener('keydown', restart)
    window.addEventListener('pointermove', restart)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('keydown', restart)
      window.removeEventListener('pointermove', restart)
    }
  }, [paused])
}
