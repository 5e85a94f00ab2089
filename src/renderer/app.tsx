import './design/tokens.css'
import './design/base.css'
import './app.css'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { Settings } from '../shared/settings.ts'
import type { StationStatus } from '../shared/status.ts'
import { BottomLine } from './bottom-line.tsx'
import { FailureNotice } from './design/Notice.tsx'
import { NavigationProvider, useNavigation } from './navigation.tsx'
import { logPlace, type Place } from './place.ts'
import { Rail } from './rail.tsx'
import { AuditScreen } from './screens/audit/AuditScreen.tsx'
import { ReviewScreen } from './screens/audit/ReviewScreen.tsx'
import { ByHandProvider } from './screens/by-hand/ByHandProvider.tsx'
import { CeremonyScreen } from './screens/ceremony/CeremonyScreen.tsx'
import { CreateStation } from './screens/first-start/CreateStation.tsx'
import { KeysScreen } from './screens/keys/KeysScreen.tsx'
import { RequestsScreen } from './screens/requests/RequestsScreen.tsx'
import { RequestScreen } from './screens/review/RequestScreen.tsx'
import { SettingsScreen } from './screens/settings/SettingsScreen.tsx'
import { StandingBand } from './screens/standing/StandingBand.tsx'
import { useStation } from './station/station-context.tsx'
import { failureFrom } from './station/station-failure.ts'
import { settingsQuery, statusQuery, useCacheInvalidation } from './station/station-queries.ts'

const home: Place = { screen: 'requests', tab: 'in-hand', open: null }

/** The whole window. `start` is for tests and the gallery; the product starts at the requests in hand. */
export function App({ start = home }: { readonly start?: Place }) {
  useCacheInvalidation()
  const station = useStation()
  const status = useQuery(statusQuery(station))
  if (status.isPending) return <main className="app-waiting" aria-busy="true" aria-label="Signing Station" />
  if (status.isError) {
    return (
      <main className="app-waiting">
        <h1>Signing Station</h1>
        <FailureNotice failure={failureFrom(status.error)} />
      </main>
    )
  }
  return (
    <NavigationProvider start={start}>
      {status.data.station === 'absent' ? <WithoutStation /> : <Frame status={status.data} />}
    </NavigationProvider>
  )
}

/** Two people come to an empty profile: one who sets a station up, and one who only reads the log of another. */
function WithoutStation() {
  const { place, go } = useNavigation()
  if (place.screen !== 'audit' || place.source !== 'opened')
    return <CreateStation onReview={() => go(logPlace('opened'))} />
  return (
    <main className="app-alone" id="main">
      <ReviewScreen view={place.view} seq={place.seq} back={{ label: 'Back', go: () => go(home) }} />
    </main>
  )
}

function Frame({ status }: { readonly status: StationStatus }) {
  const station = useStation()
  const settings = useQuery(settingsQuery(station))
  useTheme(settings.data?.theme ?? 'system')
  return (
    <ByHandProvider>
      <div className="app">
        <Rail status={status} />
        <main className="app-main" id="main">
          {status.station === 'read-only' ? <ReadOnlyBand status={status} /> : null}
          <StandingBand />
          <Screen />
        </main>
        <BottomLine status={status} />
      </div>
    </ByHandProvider>
  )
}

function Screen() {
  const { place, go } = useNavigation()
  switch (place.screen) {
    case 'requests':
      return place.open === null ? (
        <RequestsScreen tab={place.tab} />
      ) : (
        <RequestScreen key={place.open} requestId={place.open} tab={place.tab} />
      )
    case 'keys':
      return <KeysScreen />
    case 'ceremony':
      return <CeremonyScreen />
    case 'audit':
      return place.source === 'station' ? (
        <AuditScreen view={place.view} seq={place.seq} />
      ) : (
        <ReviewScreen
          view={place.view}
          seq={place.seq}
          back={{ label: 'This station’s log', go: () => go(logPlace('station')) }}
        />
      )
    case 'settings':
      return <SettingsScreen />
  }
}

function ReadOnlyBand({ status }: { readonly status: StationStatus }) {
  const why =
    status.log.kind === 'broken'
      ? `The audit log does not check at entry ${status.log.firstBadSeq}: ${status.log.reason}`
      : status.log.kind === 'unwritable'
        ? `The audit log cannot be written: ${status.log.reason}`
        : status.log.kind === 'contradicted'
          ? status.log.reason
          : 'The station was opened without the right to write.'
  return (
    <div className="app-band" role="alert">
      <strong>Read-only.</strong> {why} Nothing can be signed until this is settled; everything that is here can still
      be read.
    </div>
  )
}

function useTheme(theme: Settings['theme']): void {
  useEffect(() => {
    if (theme === 'system') document.documentElement.removeAttribute('data-theme')
    else document.documentElement.setAttribute('data-theme', theme)
  }, [theme])
}
