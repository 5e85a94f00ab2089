import { execFileSync } from 'node:child_process'
import { createPublicKey, X509Certificate } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeSoftToken, softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import { ReaderRoom, whyNoReader } from '../devices/reader.ts'
import { publicKeyOf } from '../devices/yubihsm/testing/key-in-device.ts'
import { vendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { defaultPin as hsmPin, YubiHsmBench } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import { makeCard } from '../devices/yubikey/card.ts'
import { generateCardKey, spkiOf } from '../devices/yubikey/card-key.ts'
import { certificateFor, withKeys } from '../devices/yubikey/testing/given-key.ts'
import { installedYkcs11 } from '../devices/yubikey/testing/vendor-modules.ts'
import { VirtualYubiKey } from '../devices/yubikey/virtual-yubikey.ts'
import type { StationFolders } from '../harness/station-process.ts'
import { benchPin, fingerprintOf } from './token-bench.ts'

/** A key that the server knows, on one of the three tokens. */
export interface KeyOnToken {
  readonly name: 'SoftHSM' | 'YubiKey' | 'YubiHSM'
  /** As the token gives it. */
  readonly serial: string
  readonly ckaId: string
  readonly pin: string
  /** Its description in the window. */
  readonly description: string
  readonly production: boolean
  readonly certificatePem: string
  /** SHA-256 of the certificate, upper-case hex. */
  readonly fingerprint: string
}

/** SoftHSM, a virtual YubiKey in a virtual reader and a virtual YubiHSM behind a connector, each through its vendor's own module. */
export interface ThreeTokens {
  readonly keys: readonly [KeyOnToken, KeyOnToken, KeyOnToken]
  /** In the order of the keys. */
  readonly modules: readonly [string, string, string]
  readonly yubikey: VirtualYubiKey
  readonly room: ReaderRoom
  readonly hsm: YubiHsmBench
  /** Environment for the station. */
  readonly env: Readonly<Record<string, string>>
  /** What stands before the station's command: it sees the reader, and the unpacked libraries as if they were installed. */
  readonly within: readonly string[]
  stop(): Promise<void>
}

const yubiKeySerial = 20_000_071
const hsmSerial = 7_550_140
const hsmKeyId = 0x0064

/** A string: why they cannot be had on this machine. */
export async function makeThreeTokens(folders: StationFolders): Promise<ThreeTokens | string> {
  if (softHsmModule() === null) return 'SoftHSM is not installed'
  const ykcs11 = installedYkcs11()
  if (ykcs11 === null) return 'the Debian package ykcs11 is not installed'
  const noReader = whyNoReader()
  if (noReader !== null) return noReader
  const vendor = await vendorSoftware()
  if (!vendor.ok) return vendor.error

  const soft = await softKey(folders)
  const ofYubiKey = generateCardKey('rsa-2048')
  const yubikey = new VirtualYubiKey({
    made: withKeys(makeCard({ firmware: '5.4.3', serial: yubiKeySerial }), [
      {
        slot: 0x9c,
        algorithm: 'rsa-2048',
        key: ofYubiKey,
        pin: 'always',
        touch: 'always',
        commonName: 'Example Secure Boot signer 2026, second site',
      },
    ]),
    touchTimeoutMs: null,
  })
  const hsm = await YubiHsmBench.start(vendor.value, { serial: hsmSerial, firmware: [2, 4, 0] })
  const id = String(hsmKeyId)
  await hsm.shell(
    '-a',
    'generate-asymmetric-key',
    '-i',
    id,
    '-A',
    'rsa2048',
    '-c',
    'sign-pkcs',
    '-l',
    'secure-boot-2026',
  )
  const hsmPublicKey = createPublicKey(await publicKeyOf(hsm, hsmKeyId))

  const room = await ReaderRoom.open()
  await room.plug(yubikey, 0)
  const library = await shareLibraries(folders, room, vendor.value.environment['LD_LIBRARY_PATH'] ?? '')
  const pem = (spki: Uint8Array, name: string) => new X509Certificate(certificateFor(spki, name)).toString()
  const named = (key: Omit<KeyOnToken, 'fingerprint'>): KeyOnToken => ({
    ...key,
    fingerprint: fingerprintOf(key.certificatePem),
  })
  return {
    keys: [
      soft.key,
      named({
        name: 'YubiKey',
        serial: String(yubiKeySerial),
        ckaId: '02',
        pin: '123456',
        description: 'Secure Boot signer 2026, second site',
        production: true,
        certificatePem: pem(spkiOf(ofYubiKey), 'Example Secure Boot signer 2026, second site'),
      }),
      named({
        name: 'YubiHSM',
        serial: String(hsmSerial).padStart(8, '0'),
        ckaId: '0064',
        pin: hsmPin,
        description: 'Secure Boot signer 2026',
        production: true,
        certificatePem: pem(hsmPublicKey.export({ type: 'spki', format: 'der' }), 'Example Secure Boot signer 2026'),
      }),
    ],
    modules: [soft.module, ykcs11.path, join(library, 'pkcs11', 'yubihsm_pkcs11.so')],
    yubikey,
    room,
    hsm,
    env: soft.env,
    within: room.inside(['/usr/bin/env']),
    async stop() {
      await room.close()
      await hsm.dispose()
    },
  }
}

async function softKey(folders: StationFolders) {
  const directory = join(folders.base, 'token')
  const made = await makeSoftToken({
    directory,
    tokens: [
      {
        label: 'Rehearsals',
        pin: benchPin,
        keys: [{ algorithm: 'rsa-2048', commonName: 'Example rehearsal signer' }],
      },
    ],
  })
  // The station runs as another user than root.
  if (process.getuid?.() === 0) execFileSync('/usr/bin/chown', ['-R', '20001:20001', directory])
  const [token] = made.tokens
  const [key] = token?.keys ?? []
  if (token === undefined || key === undefined || key.certificatePem === null) throw new Error('SoftHSM made no key')
  return {
    module: made.module,
    env: { SOFTHSM2_CONF: made.configuration },
    key: {
      name: 'SoftHSM',
      serial: token.id.serial,
      ckaId: key.ckaId,
      pin: benchPin,
      description: 'Rehearsals',
      production: false,
      certificatePem: key.certificatePem,
      fingerprint: fingerprintOf(key.certificatePem),
    },
  } as const
}

/**
 * The unpacked libraries, where another user than root can read them, and known to the linker of the room: the station gives its
 * token processes no LD_LIBRARY_PATH, so that they find what is installed and nothing else.
 */
async function shareLibraries(folders: StationFolders, room: ReaderRoom, path: string): Promise<string> {
  const folder = join(folders.base, 'lib')
  mkdirSync(folder, { mode: 0o755 })
  for (const from of path.split(':'))
    for (const name of readdirSync(from))
      cpSync(join(from, name), join(folder, name), { recursive: true, dereference: true })
  const [list, cache] = [join(folder, 'ld.so.conf'), join(folder, 'ld.so.cache')]
  writeFileSync(list, `${folder}\ninclude /etc/ld.so.conf\n`)
  execFileSync('/sbin/ldconfig', ['-X', '-C', cache, '-f', list], { stdio: 'ignore' })
  const mounted = await room.run('/usr/bin/mount', ['--bind', cache, '/etc/ld.so.cache'])
  if (mounted.code !== 0) throw new Error(`the room’s linker could not be told: ${mounted.stderr}`)
  return folder
}
