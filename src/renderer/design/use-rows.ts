import { type RefObject, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { landed, moved, type Place, type Span, settled, showing, spanAt, type Track, trackHeight } from './row-track.ts'

/** Height of the rows above and below those in sight that exist too, so that a wheel finds them drawn. */
const sparePixels = 420
/** So long after it last moved, the scroll bar stands. */
const restMs = 120

type Drawn = {
  readonly place: Place
  /** Rows that exist above, and below, those in sight. */
  readonly spare: number
  /** A row's element is known by its index less this: it grows with a leap, so that the elements stay and get other rows. */
  readonly lead: number
}

export type Rows = Span & {
  readonly scroller: RefObject<HTMLDivElement | null>
  /** Of the element that the rows lie in. */
  readonly height: number
  /** Pixels from the upper edge of that element. */
  readonly topOf: (row: number) => number
  readonly keyOf: (row: number) => number
  readonly show: (row: number) => void
}

/** Which rows of a long list exist, by where its scroll bar stands. `headHeight`: of what sticks to the upper edge and covers them. */
export function useRows(rows: number, rowHeight: number, headHeight: number): Rows {
  const scroller = useRef<HTMLDivElement>(null)
  const place = useRef<Place>({ top: 0, shift: 0 })
  const [view, setView] = useState(0)
  const [drawn, setDrawn] = useState<Drawn>({ place: { top: 0, shift: 0 }, spare: 0, lead: 0 })
  const track: Track = { rows, rowHeight, view }
  const spare = Math.ceil(sparePixels / rowHeight)

  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const measure = () => setView(Math.max(0, element.clientHeight - headHeight))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [headHeight])

  const scrolled = useEffectEvent((top: number) => {
    const to = moved(track, place.current, top)
    place.current = to
    // The event comes before the frame is drawn: what is drawn in it has the rows of where it stands.
    flushSync(() => setDrawn((before) => redrawn(track, before, to, spare)))
  })
  const rested = useEffectEvent((element: HTMLDivElement) => {
    const to = settled(track, place.current)
    if (Math.abs(to.top - place.current.top) > 1) {
      element.scrollTop = to.top
      place.current = landed(track, to.top + to.shift, element.scrollTop)
    }
    const now = place.current
    setDrawn((before) =>
      before.spare === spare && isSame(now, before.place) ? before : { ...before, place: now, spare },
    )
  })
  useEffect(() => {
    const element = scroller.current
    if (element === null) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const onScroll = () => {
      clearTimeout(timer)
      timer = setTimeout(() => rested(element), restMs)
      scrolled(element.scrollTop)
    }
    element.addEventListener('scroll', onScroll, { passive: true })
    rested(element)
    return () => {
      clearTimeout(timer)
      element.removeEventListener('scroll', onScroll)
    }
  }, [])

  return {
    scroller,
    ...spanAt(track, drawn.place, drawn.spare),
    height: trackHeight(track),
    topOf: (row) => row * rowHeight - drawn.place.shift,
    keyOf: (row) => row - drawn.lead,
    show(row) {
      const element = scroller.current
      const to = showing(track, place.current, row)
      if (element === null || to === place.current) return
      element.scrollTop = to.top
      place.current = landed(track, to.top + to.shift, element.scrollTop)
    },
  }
}

const isSame = (one: Place, other: Place) => one.top === other.top && one.shift === other.shift

function redrawn(track: Track, before: Drawn, place: Place, spare: number): Drawn {
  const old = spanAt(track, before.place, before.spare)
  const distance = place.top + place.shift - before.place.top - before.place.shift
  if (Math.abs(distance) > track.view) {
    // Nothing that was in sight still is, and so it will go on: as many rows as are seen, in the elements that are there.
    const { first } = spanAt(track, place, 0)
    return { place, spare: 0, lead: before.lead + first - old.first }
  }
  const now = spanAt(track, place, spare)
  const stays = before.spare === spare && now.first === old.first && now.end === old.end
  return stays && place.shift === before.place.shift ? before : { place, spare, lead: before.lead }
}
