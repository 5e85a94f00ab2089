import { z } from 'zod'
import { usbDevice } from '../../shared/devices.ts'

/**
 * The contract of the USB watcher: JSON lines on its standard output, one way; main sends it nothing. Each `seen` is the whole
 * picture, so that a line that was lost or an event that was doubled changes nothing.
 */
export const watcherMessage = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('seen'),
    watch: z.enum(['events', 'polling', 'no-usb']),
    devices: z.array(usbDevice).max(64),
  }),
  /** Something that the watcher survived: the package could not be loaded, or threw. Text of an exception. */
  z.strictObject({ kind: z.literal('trouble'), text: z.string().max(2000) }),
])
export type WatcherMessage = z.infer<typeof watcherMessage>

/** 64 devices whose strings are all control characters, six bytes each in JSON, with 32 interfaces: 130 kB. */
export const maxWatcherLine = 160 * 1024

/** Lines in `floodWindowMs` over which a watcher is not believed any more: a loose plug makes a few a second, a broken program thousands. */
export const maxWatcherLines = 100
export const floodWindowMs = 10_000

/** Standard input of the watcher ends when main ends. */
export const leashDescriptor = 0
