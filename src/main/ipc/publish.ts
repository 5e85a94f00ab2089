import { type EventName, type EventPayload, type Events, events } from '../../shared/events.ts'
import type { Desktop } from '../desktop/desktop.ts'
import type { Log } from '../log/logger.ts'

export type Publish = <E extends EventName>(event: E, payload: EventPayload<E>) => void

interface Schema<T> {
  safeParse(raw: unknown): { success: true; data: T } | { success: false; error: Error }
}

const schemas: { readonly [E in keyof Events]: Schema<EventPayload<E>> } = events

/**
 * Typed events to the window. A payload that does not fit its schema is a defect of ours: it is logged and not sent, so that
 * no field that the contract does not name can slip to the untrusted side. `desktop` is asked each time: it is null before the
 * window is open, and events only announce.
 */
export function createPublish(desktop: () => Pick<Desktop, 'publish'> | null, log: Log): Publish {
  return (event, payload) => {
    const parsed = schemas[event].safeParse(payload)
    if (!parsed.success) {
      log('publish.payload-defective', { name: event, error: parsed.error })
      return
    }
    desktop()?.publish(event, parsed.data)
  }
}
