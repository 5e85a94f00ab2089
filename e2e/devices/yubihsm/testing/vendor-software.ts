import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { libraryPath, unpackPackages } from '../../../../scripts/debian-packages.ts'
import { err, ok, type Result } from '../../../../src/shared/result.ts'

const run = promisify(execFile)

/** The maker's own software, out of Debian 13: Debian 12 has none, and runs it unpacked (it needs libc 2.34 and libssl3). */
export interface VendorSoftware {
  /** yubihsm_pkcs11. */
  readonly module: string
  /** What its programs and the module need in their environment. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs a program of it, `yubihsm-shell` or `yubihsm-wrap`; rejects, with what it said, when it fails. */
  run(program: 'yubihsm-shell' | 'yubihsm-wrap', ...args: readonly string[]): Promise<string>
  /** Types lines into `yubihsm-shell`, for what it has no option for; gives what it said. */
  type(connectorUrl: string, ...lines: readonly string[]): Promise<string>
}

const packages = [
  'yubihsm-shell',
  'yubihsm-pkcs11',
  'yubihsm-wrap',
  'libyubihsm2',
  'libyubihsm-http2',
  'libyubihsm-usb2',
  'libykhsmauth2',
]

/** The reason where it cannot be had, for tests to skip with. */
export async function vendorSoftware(): Promise<Result<VendorSoftware, string>> {
  const unpacked = await unpackPackages('trixie', packages)
  if (!unpacked.ok) return unpacked
  const folder = await libraryPath(unpacked.value)
  const environment = { LD_LIBRARY_PATH: folder, PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8' }
  const file = (name: string, ...path: readonly string[]) => join(unpacked.value.get(name) ?? '', 'usr', ...path)
  const own = folder.split(':').find((one) => one.startsWith(file('yubihsm-pkcs11')))
  if (own === undefined) return err('yubihsm-pkcs11 has no library folder')
  const absent = await missingLibraries(environment, [
    file('yubihsm-shell', 'bin', 'yubihsm-shell'),
    ...folder.split(':').map((one) => join(one, 'libyubihsm_http.so.2')),
  ])
  if (absent.length > 0) return err(`the YubiHSM's software needs ${absent.join(', ')} of this system`)
  const options = { env: environment, maxBuffer: 16 * 1024 * 1024 }
  return ok({
    module: join(own, 'pkcs11', 'yubihsm_pkcs11.so'),
    environment,
    async run(program, ...args) {
      const { stdout, stderr } = await run(file(program, 'bin', program), [...args], options)
      return stdout + stderr
    },
    async type(connectorUrl, ...lines) {
      const typing = run(file('yubihsm-shell', 'bin', 'yubihsm-shell'), ['-C', connectorUrl], options)
      typing.child.stdin?.end(['connect', ...lines, 'quit', ''].join('\n'))
      const { stdout, stderr } = await typing
      return stdout + stderr
    },
  })
}

/** What the unpacked programs take from the system: curl, editline and the client of pcscd (`scripts/bootstrap/system-packages.mjs`). */
async function missingLibraries(
  environment: Readonly<Record<string, string>>,
  files: readonly string[],
): Promise<readonly string[]> {
  const missing = new Set<string>()
  for (const one of files.filter(existsSync)) {
    const { stdout } = await run('/usr/bin/ldd', [one], { env: environment })
    for (const [, library = ''] of stdout.matchAll(/^\s*(\S+) => not found$/gm)) missing.add(library)
  }
  return [...missing]
}
