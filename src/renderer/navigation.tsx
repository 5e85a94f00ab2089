import { createContext, type ReactNode, use, useEffect, useState } from 'react'
import { hashOf, type Place, placeFrom } from './place.ts'

type Navigation = { readonly place: Place; readonly go: (place: Place) => void }

const NavigationContext = createContext<Navigation | null>(null)

/**
 * One window, one history entry: the fragment of its address only remembers the place over a reload. It is read once, when the
 * window begins; nothing outside can send the operator anywhere while he works.
 */
export function NavigationProvider({ start, children }: { readonly start: Place; readonly children: ReactNode }) {
  const [place, go] = useState(() => placeFrom(location.hash) ?? start)
  useEffect(() => history.replaceState(null, '', hashOf(place)), [place])
  return <NavigationContext value={{ place, go }}>{children}</NavigationContext>
}

export function useNavigation(): Navigation {
  const navigation = use(NavigationContext)
  if (navigation === null) throw new Error('a screen was rendered outside NavigationProvider')
  return navigation
}
