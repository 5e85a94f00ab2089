import { createHash, X509Certificate } from 'node:crypto'
import { ReaderRoom } from '../devices/reader.ts'
import { makeCard } from '../devices/yubikey/card.ts'
import { spkiOf } from '../devices/yubikey/card-key.ts'
import { sharedKey } from '../devices/yubikey/testing/card-talk.ts'
import { certificateFor, type GivenKey, withKeys } from '../devices/yubikey/testing/given-key.ts'
import type { VendorModule } from '../devices/yubikey/testing/vendor-modules.ts'
import { VirtualYubiKey } from '../devices/yubikey/virtual-yubikey.ts'
import { DeskBench, type DeskBenchOptions } from './desk-bench.ts'

const serial = 20_000_057
const pin = '123456'

/** A station at a desk, whose key is in slot 9A of a virtual YubiKey that is plugged into a reader of the test's own. */
export class YubiKeyDesk {
  readonly key: VirtualYubiKey
  readonly room: ReaderRoom
  readonly bench: DeskBench

  private constructor(key: VirtualYubiKey, room: ReaderRoom, bench: DeskBench) {
    this.key = key
    this.room = room
    this.bench = bench
  }

  /** `others`: keys in other slots. */
  static async make(
    module: VendorModule,
    {
      others = [],
      ...options
    }: { readonly others?: readonly GivenKey[] } & Pick<DeskBenchOptions, 'standing' | 'now'> = {},
  ): Promise<YubiKeyDesk> {
    const key = new VirtualYubiKey({
      made: withKeys(makeCard({ firmware: '5.7.1', serial }), [keyInSlot('never'), ...others]),
      generate: sharedKey,
      touchTimeoutMs: null,
    })
    const room = await ReaderRoom.open()
    await room.plug(key, 0)
    const spki = spkiOf(sharedKey('rsa-2048'))
    const x509 = new X509Certificate(certificateFor(spki, commonName))
    const id = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: String(serial) }
    const own = {
      ckaId: '01',
      algorithm: 'rsa-2048' as const,
      spkiBase64: Buffer.from(spki).toString('base64'),
      spkiSha256: createHash('sha256').update(spki).digest('hex'),
      certificatePath: null,
      certificatePem: x509.toString(),
      fingerprint: x509.fingerprint256.replaceAll(':', ''),
    }
    const soft = {
      module: module.path,
      configuration: '',
      tokenFolder: '',
      tokens: [{ label: 'YubiKey', pin, id, keys: [own] }],
    }
    const tokens = { soft, folder: '', dispose: async () => {} }
    const bench = await DeskBench.make({ tokens, pin, node: room.node, environment: module.env, ...options })
    return new YubiKeyDesk(key, room, bench)
  }

  /** Pulls the key: its reader notices, and so does USB. */
  async unplug(): Promise<void> {
    await this.room.unplug(this.key)
  }

  async plug(): Promise<void> {
    await this.room.plug(this.key, 0)
    await this.bench.station.tokens.devicesChanged([])
    this.bench.station.keysChanged()
  }

  /** From now on, without anything else of the card being another: a session with it goes on. */
  wantsTouch(touch: 'never' | 'always'): void {
    this.key.card = withKeys(this.key.card, [keyInSlot(touch)])
  }

  /** Every use of the private key that the card answered with success. */
  get signatures(): number {
    return this.key.exchanges.filter(({ ins, p1, sw }) => ins === 0x87 && p1 !== 0 && sw !== null && isSuccess(sw))
      .length
  }

  async dispose(): Promise<void> {
    await this.bench.dispose()
    await this.room.close()
  }
}

const commonName = 'Desk signer in a YubiKey'

/** 9000, or 61xx: more of the signature is to be fetched. A command that is not the last of a chain is answered 9000 as well. */
function isSuccess(sw: number): boolean {
  return sw >> 8 === 0x61
}

function keyInSlot(touch: 'never' | 'always'): GivenKey {
  return { slot: 0x9a, algorithm: 'rsa-2048', touch, commonName }
}
