import { existsSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Apt, aptOfSuite } from '../../../../scripts/efi-files-apt.ts'

export type VendorModule = {
  /** 2.2.0 */
  readonly version: string
  readonly path: string
  /** What its process needs in its environment. */
  readonly env: Readonly<Record<string, string>>
}

const library = process.arch === 'arm64' ? '/usr/lib/aarch64-linux-gnu' : '/usr/lib/x86_64-linux-gnu'

export const openscModule = `${library}/opensc-pkcs11.so`

function moduleIn(folder: string, env: VendorModule['env']): VendorModule | null {
  const path = join(folder, 'libykcs11.so.2')
  if (!existsSync(path)) return null
  const version = /\.so\.(\d+\.\d+\.\d+)$/.exec(realpathSync(path))?.[1]
  return version === undefined ? null : { version, path, env }
}

/** Yubico's module as this machine's packages have it; null where the package is missing. */
export function installedYkcs11(): VendorModule | null {
  return moduleIn(library, {})
}

/**
 * Yubico's module of Debian 13, unpacked beside the system: it runs on Debian 12 too. Rejects with apt's own words where apt
 * cannot reach that suite.
 */
export async function trixieYkcs11(): Promise<VendorModule> {
  const { XDG_CACHE_HOME, HOME } = process.env
  const cache =
    XDG_CACHE_HOME === undefined || XDG_CACHE_HOME === '' ? join(HOME ?? homedir(), '.cache') : XDG_CACHE_HOME
  const apt = await trixie(join(cache, 'signing-station', 'yubico'))
  const versions = await apt.candidates(['ykcs11', 'libykpiv2'])
  const unpack = async (name: string) => {
    const version = versions.get(name)
    if (version === undefined) throw new Error(`trixie has no ${name} for this machine`)
    return join(await apt.unpacked(name, version), library)
  }
  const module = moduleIn(await unpack('ykcs11'), { LD_LIBRARY_PATH: await unpack('libykpiv2') })
  if (module === null) throw new Error('the package ykcs11 of trixie has no module where it should be')
  return module
}

/** Another test file may be fetching the lists of the suite at this moment: apt does not wait for its own lock. */
async function trixie(folder: string, tries = 240): Promise<Apt> {
  try {
    return await aptOfSuite(folder, 'trixie', 'ykcs11')
  } catch (error) {
    if (tries === 0 || !String(error).includes('Could not get lock')) throw error
    await delay(500)
    return trixie(folder, tries - 1)
  }
}
