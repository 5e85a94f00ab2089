import { useEffect, useEffectEvent } from 'react'
import { Button } from 'react-aria-components'
import type { StationStatus } from '../shared/status.ts'
import { Icon, type IconName } from './design/Icon.tsx'
import { useNavigation } from './navigation.tsx'
import { UntrustedText } from './parts/UntrustedText.tsx'
import { logPlace, type Place } from './place.ts'

const places: readonly { readonly place: Place; readonly label: string; readonly icon: IconName }[] = [
  { place: { screen: 'requests', tab: 'in-hand', open: null }, label: 'Requests', icon: 'requests' },
  { place: { screen: 'keys' }, label: 'Keys & tokens', icon: 'keys' },
  { place: { screen: 'ceremony' }, label: 'Ceremony', icon: 'ceremony' },
  { place: logPlace('station'), label: 'Audit log', icon: 'audit' },
  { place: { screen: 'settings' }, label: 'Settings', icon: 'settings' },
]

/** What works is on the rail; what does not work yet is not. Alt+1 … Alt+5 go there. */
export function Rail({ status }: { readonly status: StationStatus }) {
  const { place, go } = useNavigation()
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat) return
    // A dialog is a question that wants an answer: no shortcut leads past it.
    if (document.querySelector('[role="dialog"], [role="alertdialog"]') !== null) return
    const target = places[Number(event.key) - 1]
    if (target === undefined) return
    event.preventDefault()
    go(target.place)
  })
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event)
    window.addEventListener('keydown', listener)
    return () => window.removeEventListener('keydown', listener)
  }, [])
  return (
    <nav className="rail" aria-label="Screens">
      <div className="rail-station">
        <p className="rail-product">Signing Station</p>
        <p className="rail-name">
          <UntrustedText text={status.stationName} truncate />
        </p>
      </div>
      {places.map(({ place: target, label, icon }, index) => (
        <Button
          key={target.screen}
          className="rail-link"
          aria-current={place.screen === target.screen ? 'page' : 'false'}
          aria-keyshortcuts={`Alt+${index + 1}`}
          onPress={() => go(target)}
        >
          <Icon name={icon} />
          {label}
          {target.screen === 'requests' && status.inHand > 0 ? (
            <span className="rail-count">
              {status.inHand > 99 ? '99+' : status.inHand}
              <span className="visually-hidden"> in hand</span>
            </span>
          ) : null}
        </Button>
      ))}
      <p className="rail-operator">
        Operator
        <strong>
          <UntrustedText text={status.operator} truncate />
        </strong>
        Version {status.version}
      </p>
    </nav>
  )
}
