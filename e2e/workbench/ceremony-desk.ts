import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { certificatesText } from '../../src/main/keys/attestation/certificate-text.ts'
import { putWrapKey, twoConnectors } from '../desk/ceremony-bench.ts'
import { makeAttestationAuthority } from '../devices/yubihsm/attestation/authority.ts'
import { type StationVendor, vendorForStation } from '../devices/yubihsm/testing/vendor-for-station.ts'
import { vendorSoftware } from '../devices/yubihsm/testing/vendor-software.ts'
import { YubiHsmBench } from '../devices/yubihsm/testing/yubihsm-bench.ts'
import type { StationFolders } from '../harness/station-process.ts'

/** Two virtual YubiHSMs that hold the same wrap key, and the maker's module as the station's user can load it. */
export interface CeremonyDesk {
  readonly vendor: StationVendor
  readonly roots: readonly { readonly pem: string; readonly sha256: string }[]
  readonly env: Readonly<Record<string, string>>
  /** Serial numbers on the cases, by the title of the step of the script for a UEFI key. */
  readonly serials: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** A string: why there is none on this machine. */
export async function makeCeremonyDesk(folders: StationFolders): Promise<CeremonyDesk | string> {
  const software = await vendorSoftware()
  if (!software.ok) return software.error
  const vendor = vendorForStation(software.value, folders.base)
  if (!vendor.ok) return vendor.error
  const authority = makeAttestationAuthority()
  const options = { authority, firmware: [2, 4, 0] as const }
  const hsm = await YubiHsmBench.start(software.value, { ...options, serial: 7_550_140 })
  const spare = await YubiHsmBench.start(software.value, { ...options, serial: 7_550_141 })
  for (const one of [hsm, spare]) await putWrapKey(one)
  const own = join(folders.base, 'yubihsm_pkcs11.conf')
  execFileSync('/usr/bin/install', ['-m', '0644', twoConnectors(hsm, spare), own])
  return {
    vendor: vendor.value,
    roots: [authority.root, authority.intermediate].map((der) => ({
      pem: certificatesText([der]),
      sha256: createHash('sha256').update(der).digest('hex'),
    })),
    env: { YUBIHSM_PKCS11_CONF: own },
    serials: { 'The YubiHSM': '7550140', 'The YubiHSM for the restore': '7550141' },
    stop: async () => {
      await hsm.dispose()
      await spare.dispose()
    },
  }
}
