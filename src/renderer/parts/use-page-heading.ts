import { type RefObject, useEffect, useRef } from 'react'

/** The heading of a screen gets the focus when the screen appears: a screen reader says where one is, and Tab goes on from there. */
export function usePageHeading(): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    heading.current?.focus({ preventScroll: true })
  }, [])
  return heading
}
