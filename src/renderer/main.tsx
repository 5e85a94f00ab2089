import { QueryClientProvider } from '@tanstack/react-query'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { stationCache } from './station/station-cache.ts'
import { StationProvider } from './station/station-context.tsx'

const root = document.getElementById('root')
if (root === null) throw new Error('index.html has no root element')

createRoot(root).render(
  <StrictMode>
    <StationProvider station={window.station}>
      <QueryClientProvider client={stationCache()}>
        <App />
      </QueryClientProvider>
    </StationProvider>
  </StrictMode>,
)
