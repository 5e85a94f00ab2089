import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from '../app.tsx'
import { DefectBoundary } from '../parts/DefectBoundary.tsx'
import { logPlace, type Place } from '../place.ts'
import { stationCache } from '../station/station-cache.ts'
import { StationProvider } from '../station/station-context.tsx'
import { FakeStation } from './fake-station.ts'
import { type ScenarioName, scenarios, theRequest } from './scenarios.ts'

/**
 * The real window on a fake station: `gallery.html?scenario=rich&place=request&theme=dark`. Not part of the product's build.
 * The fake is `window.fakeStation`, so that a test can look at what was asked of it and send events.
 */
const places: Record<string, Place> = {
  requests: { screen: 'requests', tab: 'in-hand', open: null },
  next: { screen: 'requests', tab: 'next', open: null },
  waiting: { screen: 'requests', tab: 'waiting', open: null },
  done: { screen: 'requests', tab: 'done', open: null },
  request: { screen: 'requests', tab: 'in-hand', open: theRequest },
  keys: { screen: 'keys' },
  ceremony: { screen: 'ceremony' },
  audit: logPlace('station'),
  entry: logPlace('station', {}, 1_280),
  foreign: logPlace('opened'),
  settings: { screen: 'settings' },
}

declare global {
  interface Window {
    fakeStation?: FakeStation
  }
}

const wanted = new URLSearchParams(location.search)
const scenario = wanted.get('scenario') ?? 'fine'
const make = Object.hasOwn(scenarios, scenario) ? scenarios[scenario as ScenarioName] : null
const root = document.getElementById('root')
if (root === null || make === null)
  throw new Error(`no scenario ${scenario}; there are ${Object.keys(scenarios).join(', ')}`)

const fake = new FakeStation(make())
const theme = wanted.get('theme')
if (theme === 'light' || theme === 'dark') fake.state.settings = { ...fake.state.settings, theme }
window.fakeStation = fake

createRoot(root).render(
  <StrictMode>
    <DefectBoundary>
      <StationProvider station={fake.api}>
        <QueryClientProvider client={stationCache()}>
          <App start={places[wanted.get('place') ?? 'requests'] ?? { screen: 'settings' }} />
        </QueryClientProvider>
      </StationProvider>
    </DefectBoundary>
  </StrictMode>,
)
