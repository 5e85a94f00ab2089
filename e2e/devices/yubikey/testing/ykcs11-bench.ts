import pkcs11js from 'pkcs11js'
import { afterEach, beforeEach, describe } from 'vitest'
import { ReaderRoom, whyNoReader } from '../../reader.ts'
import { type Card, makeCard } from '../card.ts'
import { VirtualYubiKey } from '../virtual-yubikey.ts'
import { sharedKey } from './card-talk.ts'
import type { Hex, Template } from './pkcs11-calls.ts'
import { Pkcs11Client } from './pkcs11-client.ts'
import { installedYkcs11, trixieYkcs11, type VendorModule } from './vendor-modules.ts'

/** What tests of Yubico's module have at hand. One key stays in its reader for all of them; a test gives it the card that it wants. */
export type Ykcs11Bench = {
  readonly key: VirtualYubiKey
  readonly room: ReaderRoom
  readonly module: VendorModule
  /** 2.2.0 of Debian 12; otherwise 2.7 or later, which does some things in another way. */
  readonly old: boolean
  /** A new process with the module, and a session with the key that has this card. */
  readonly open: (card: Card) => Promise<{ readonly client: Pkcs11Client; readonly slot: Hex; readonly session: Hex }>
}

/** The factory cards of these tests; the attestation keys of both are made once. */
export const factoryCards = {
  '5.4.3': makeCard({ firmware: '5.4.3', serial: 20_000_054 }),
  '5.7.1': makeCard({ firmware: '5.7.1', serial: 20_000_057 }),
} as const

const noReader = whyNoReader()
/** One for all tests of a file: a room takes a second to open, and apt one to answer. */
const shared: {
  key: VirtualYubiKey | null
  room: ReaderRoom | null
  readonly modules: Map<string, VendorModule | string>
} = { key: null, room: null, modules: new Map() }

/** The same tests with the module that is installed and with that of Debian 13. */
export function describeYkcs11(title: string, tests: (bench: () => Ykcs11Bench) => void): void {
  describe.each(['installed', 'of Debian 13'] as const)(`ykcs11 %s: ${title}`, (which) => {
    const clients: Pkcs11Client[] = []

    beforeEach(async (context) => {
      if (noReader !== null) return context.skip(noReader)
      const module = shared.modules.get(which) ?? (await find(which))
      shared.modules.set(which, module)
      if (typeof module === 'string') return context.skip(module)
      shared.key ??= new VirtualYubiKey({ made: factoryCards['5.7.1'], generate: sharedKey, touchTimeoutMs: null })
      shared.room ??= await ReaderRoom.open()
      shared.key.finger = 'on-the-key'
      if (!shared.room.holds(shared.key)) await shared.room.plug(shared.key, 0)
    })
    afterEach(async () => {
      for (const client of clients.splice(0)) await client.stop()
    })

    tests(() => {
      const module = shared.modules.get(which)
      const { key, room } = shared
      if (room === null || key === null || module === undefined || typeof module === 'string')
        throw new Error('this test should have been skipped')
      return {
        key,
        room,
        module,
        old: module.version.startsWith('2.2.'),
        open: async (card) => {
          key.card = card
          const client = await Pkcs11Client.start(room, module.path, module.env)
          clients.push(client)
          const [slot] = await client.call('slots')
          if (slot === undefined) throw new Error('the module shows no slot with a token')
          return { client, slot, session: await client.call('open', slot) }
        },
      }
    })
  })
}

/** For the end of the file. */
export async function closeYkcs11(): Promise<void> {
  await shared.room?.close()
  shared.room = null
}

async function find(which: 'installed' | 'of Debian 13'): Promise<VendorModule | string> {
  if (which === 'installed') return installedYkcs11() ?? 'the Debian package ykcs11 is not installed'
  return trixieYkcs11().catch((error: unknown) => {
    // What apt was asked is in the first line, what it said in the second.
    return `the package ykcs11 of Debian 13 could not be had: ${String(error).split('\n').slice(0, 2).join(' ')}`
  })
}

/** The one object of a class and id; null where the module shows none. */
export async function objectOf(client: Pkcs11Client, session: Hex, type: number, id: Hex): Promise<Hex | null> {
  const wanted: Template = [
    [pkcs11js.CKA_CLASS, type],
    [pkcs11js.CKA_ID, { hex: id }],
  ]
  const [object] = await client.call('objects', session, wanted)
  return object?.handle ?? null
}

export async function privateKeyOf(client: Pkcs11Client, session: Hex, id: Hex): Promise<Hex> {
  const key = await objectOf(client, session, pkcs11js.CKO_PRIVATE_KEY, id)
  if (key === null) throw new Error(`the module shows no private key ${id}`)
  return key
}
