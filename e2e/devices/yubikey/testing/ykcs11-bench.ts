import pkcs11js from 'pkcs11js'
import { afterEach, beforeEach, describe, type TestContext } from 'vitest'
import { ReaderRoom, whyNoReader } from '../../reader.ts'
import { type Card, makeCard } from '../card.ts'
import { VirtualYubiKey } from '../virtual-yubikey.ts'
import { sharedKey } from './card-talk.ts'
import type { Hex, Template } from './pkcs11-calls.ts'
import { Pkcs11Client } from './pkcs11-client.ts'
import { installedYkcs11, trixieYkcs11, type VendorModule } from './vendor-modules.ts'

/** What tests of Yubico's module have at hand. A test gives the key the card that it wants. */
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

export const ykcs11Versions = ['installed', 'of Debian 13'] as const
export type Ykcs11Version = (typeof ykcs11Versions)[number]

const noReader = whyNoReader()
const found = new Map<Ykcs11Version, Promise<VendorModule | string>>()

/** The module, or why there is none. Looked for once: apt takes a second to answer. */
function find(which: Ykcs11Version): Promise<VendorModule | string> {
  if (noReader !== null) return Promise.resolve(noReader)
  const looked = found.get(which) ?? look(which)
  found.set(which, looked)
  return looked
}

async function look(which: Ykcs11Version): Promise<VendorModule | string> {
  if (which === 'installed') return installedYkcs11() ?? 'the Debian package ykcs11 is not installed'
  return trixieYkcs11().catch((error: unknown) => {
    // What apt was asked is in the first line, what it said in the second.
    return `the package ykcs11 of Debian 13 could not be had: ${String(error).split('\n').slice(0, 2).join(' ')}`
  })
}

function newKey(): VirtualYubiKey {
  return new VirtualYubiKey({ made: factoryCards['5.7.1'], generate: sharedKey, touchTimeoutMs: null })
}

function benchOf(key: VirtualYubiKey, room: ReaderRoom, module: VendorModule, clients: Pkcs11Client[]): Ykcs11Bench {
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
}

/** One test with a room of its own, for keys that come and go: such tests wait most of the time and can run side by side. */
export async function withYkcs11(
  context: TestContext,
  which: Ykcs11Version,
  test: (bench: Ykcs11Bench) => Promise<void>,
): Promise<void> {
  const module = await find(which)
  if (typeof module === 'string') return context.skip(module)
  const room = await ReaderRoom.open()
  const clients: Pkcs11Client[] = []
  try {
    const key = newKey()
    await room.plug(key, 0)
    await test(benchOf(key, room, module, clients))
  } finally {
    for (const client of clients) await client.stop()
    await room.close()
  }
}

const shared: { key: VirtualYubiKey | null; room: ReaderRoom | null } = { key: null, room: null }

/** The same tests with each version, one after the other, with one room and one key for all of a file. */
export function describeYkcs11(
  title: string,
  tests: (bench: () => Ykcs11Bench) => void,
  versions: readonly Ykcs11Version[] = ykcs11Versions,
): void {
  describe.each(versions)(`ykcs11 %s: ${title}`, (which) => {
    const clients: Pkcs11Client[] = []
    let bench: Ykcs11Bench | null = null

    beforeEach(async (context) => {
      const module = await find(which)
      if (typeof module === 'string') return context.skip(module)
      shared.key ??= newKey()
      shared.room ??= await ReaderRoom.open()
      shared.key.finger = 'on-the-key'
      if (!shared.room.holds(shared.key)) await shared.room.plug(shared.key, 0)
      bench = benchOf(shared.key, shared.room, module, clients)
    })
    afterEach(async () => {
      for (const client of clients.splice(0)) await client.stop()
    })

    tests(() => {
      if (bench === null) throw new Error('this test should have been skipped')
      return bench
    })
  })
}

/** For the end of a file with `describeYkcs11`. */
export async function closeYkcs11(): Promise<void> {
  await shared.room?.close()
  shared.room = null
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
