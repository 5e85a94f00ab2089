import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { err, ok, type Result } from '../../../../src/shared/result.ts'
import type { VendorSoftware } from './vendor-software.ts'

/** The maker's module for a station that is started as a program. */
export interface StationVendor {
  readonly module: string
  /** What stands before the station's command. */
  readonly within: readonly string[]
}

/**
 * A station gives its token processes no LD_LIBRARY_PATH (src/main/token/module-environment.ts), and packages that are only unpacked are
 * found by nothing else. So the station gets a mount namespace in which the loader's cache knows them, as it does where they are installed.
 * `folder` can be read by the user of the test.
 */
export function vendorForStation(vendor: VendorSoftware, folder: string): Result<StationVendor, string> {
  if (process.getuid?.() !== 0) return err('only root may make a namespace whose user is still an ordinary one')
  const libraries = join(folder, 'vendor')
  mkdirSync(libraries)
  chmodSync(libraries, 0o755)
  for (const source of (vendor.environment['LD_LIBRARY_PATH'] ?? '').split(':'))
    for (const name of readdirSync(source).filter((each) => /\.so(?:\.|$)/.test(each)))
      copyFileSync(join(source, name), join(libraries, name))
  const module = join(libraries, basename(vendor.module))
  copyFileSync(vendor.module, module)
  const [configuration, cache] = [join(folder, 'ld.so.conf'), join(folder, 'ld.so.cache')]
  writeFileSync(configuration, `${libraries}\ninclude /etc/ld.so.conf\n`)
  execFileSync('/sbin/ldconfig', ['-X', '-f', configuration, '-C', cache], { stdio: 'ignore' })
  chmodSync(cache, 0o644)
  const script = 'mount --make-rprivate / && mount --bind "$0" /etc/ld.so.cache && exec "$@"'
  const within = ['/usr/bin/unshare', '--mount', '--', '/bin/sh', '-c', script, cache] as const
  const [program, ...args] = within
  const tried = spawnSync(program, [...args, '/bin/true'], { encoding: 'utf8' })
  return tried.status === 0 ? ok({ module, within }) : err(`this user may not make namespaces: ${tried.stderr.trim()}`)
}
