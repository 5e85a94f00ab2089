import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { DefectBoundary } from './parts/DefectBoundary.tsx'
import { stationCache } from './station/station-cache.ts'
import { StationProvider } from './station/station-context.tsx'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no root element')

createRoot(root).render(
  <StrictMode>
    <DefectBoundary>
      <StationProvider station={window.station}>
        <QueryClientProvider client={stationCache()}>
          <App />
        </QueryClientProvider>
      </StationProvider>
    </DefectBoundary>
  </StrictMode>,
)
