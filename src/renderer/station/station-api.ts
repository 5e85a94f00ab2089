export type { StationApi } from '../../preload/api.ts'

import type { StationApi } from '../../preload/api.ts'

declare global {
  interface Window {
    readonly station: StationApi
  }
}
