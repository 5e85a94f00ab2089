import type { EventName, EventPayload } from '../../shared/events.ts'
import type { Failure } from '../../shared/failure.ts'

/** Who sent a message, as the adapter found out by itself; the router believes nothing else. */
export interface Sender {
  readonly isStationWindow: boolean
  readonly isMainFrame: boolean
  readonly origin: string
}

/** The one origin of the window in both runtimes. It is answered by interception; the name can never resolve (RFC 6761 §6.4). */
export const stationOrigin = 'https://station.invalid'

export interface DesktopOptions {
  readonly title: string
  /** Folder with the built renderer, served under `stationOrigin`. */
  readonly rendererDir: string
  /** The built preload: the same file in both runtimes. */
  readonly preloadFile: string
  /** 0700; sockets and the throw-away browser profile go here. */
  readonly runtimeDir: string
  /** URL of the Vite server, in development only. */
  readonly devServerUrl: string | null
  /** Answers one message; never rejects. `text` is the JSON as it came. Resolves to the JSON of the answer. */
  readonly onMessage: (sender: Sender, text: string) => Promise<string>
  readonly log: (event: string, fields: Record<string, unknown>) => void
}

/** Why there is no window. */
export type OpenFailure = Failure<'browser-missing' | 'window-not-opened'>

export type CloseReason = 'user' | 'crash' | 'program'

/** The window as main sees it. One implementation for each runtime; nothing else in main knows which one draws it. */
export interface Desktop {
  readonly runtime: 'electron' | 'chromium'
  readonly runtimeVersion: string
  /** Tells the window an event. Dropped while no window is there: events only announce. */
  publish<E extends EventName>(event: E, payload: EventPayload<E>): void
  /** Brings the window to the front (a second start of the program). */
  focus(): void
  /** Fires once, when the window is gone for good. A crash of the browser is not the end: the adapter opens a new window. */
  readonly closed: Promise<CloseReason>
  /** The desk was locked, or the machine is about to sleep. */
  onLock(listener: () => void): void
  /** Whether this machine tells when its screen is locked. */
  seesLock(): boolean
  close(): Promise<void>
}
