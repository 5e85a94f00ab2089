import { createContext, type ReactNode, use, useState } from 'react'
import type { AuditFilter } from '../shared/audit.ts'
import type { RequestId } from '../shared/ids.ts'

export type RequestsTab = 'in-hand' | 'next' | 'done'

/** Where the operator is. One window, no addresses: nothing outside can send him anywhere. */
export type Place =
  | { readonly screen: 'requests'; readonly tab: RequestsTab; readonly open: RequestId | null }
  | { readonly screen: 'keys' }
  | { readonly screen: 'audit'; readonly filter: AuditFilter; readonly seq: number | null }
  | { readonly screen: 'settings' }

type Navigation = { readonly place: Place; readonly go: (place: Place) => void }

const NavigationContext = createContext<Navigation | null>(null)

export function NavigationProvider({ start, children }: { readonly start: Place; readonly children: ReactNode }) {
  const [place, go] = useState(start)
  return <NavigationContext value={{ place, go }}>{children}</NavigationContext>
}

export function useNavigation(): Navigation {
  const navigation = use(NavigationContext)
  if (navigation === null) throw new Error('a screen was rendered outside NavigationProvider')
  return navigation
}
