import { readFile } from 'node:fs/promises'
import type { RouteName } from './route-names.ts'
import type { SandboxServer } from './sandbox-server.ts'
import type { InputFile, SignRequest } from './seed.ts'

export const scenarioNames = [
  'fine',
  'untrusted-certificate',
  'no-permission',
  'unknown-key',
  'token-absent',
  'malformed-pe',
  'forty-files',
  'changing-file',
  'server-lost',
] as const
export type ScenarioName = (typeof scenarioNames)[number]

export interface ScenarioFile {
  /** Base name, e.g. `systemd-bootx64.efi`. */
  readonly name: string
  /** Where the bytes are on this machine. */
  readonly path: string
  readonly package: string
  readonly version: string
}

export interface ScenarioInput {
  /** A key that the station has and can use. */
  readonly fingerprint: string
  /** `token-absent`: a key that the station has registered on a token that is not plugged in. */
  readonly otherFingerprint?: string
  /** At least one; `fine` takes the first two. */
  readonly files: readonly ScenarioFile[]
  /** What the inputs declare; default: declared empty. */
  readonly trustedCerts?: readonly string[] | null
  /** `changing-file`: whether the declared digest follows the change (default: yes, the harder lie). */
  readonly declares?: 'first' | 'current'
  /** `server-lost`: where; default: before the first output artifact is made. */
  readonly lostAt?: { readonly route: RouteName; readonly nth: number; readonly when: 'before' | 'after' }
}

/** A certificate fingerprint that no station trusts. */
export const untrustedCertificate = 'DEADBEEF'.repeat(8)
/** A key fingerprint that neither server nor station has. */
export const unknownFingerprint = '0123456789ABCDEF'.repeat(4)

/** Adds the request of a scenario; the answer is its work request id. */
export async function addScenario(server: SandboxServer, name: ScenarioName, input: ScenarioInput): Promise<number> {
  const purpose = 'uefi'
  server.addKey({ purpose, fingerprint: input.fingerprint })
  const [first, second] = input.files
  if (first === undefined) throw new Error('a scenario needs a file')
  const request: SignRequest = {
    fingerprint: input.fingerprint,
    purpose,
    trustedCerts: input.trustedCerts === undefined ? [] : input.trustedCerts,
    binaryPackage: { name: first.package, source: first.package, architecture: 'amd64', version: first.version },
    files: [first, ...(second === undefined ? [] : [second])].map(inputFile),
  }
  switch (name) {
    case 'fine':
      return await server.addSignRequest(request)
    case 'untrusted-certificate':
      return await server.addSignRequest({ ...request, trustedCerts: [untrustedCertificate] })
    case 'no-permission':
      return await server.addSignRequest({ ...request, allowed: false })
    case 'unknown-key':
      return await server.addSignRequest({ ...request, fingerprint: unknownFingerprint })
    case 'token-absent': {
      if (input.otherFingerprint === undefined) throw new Error('token-absent needs otherFingerprint')
      server.addKey({ purpose, fingerprint: input.otherFingerprint })
      return await server.addSignRequest({ ...request, fingerprint: input.otherFingerprint })
    }
    case 'malformed-pe': {
      const bytes = malformed(await readFile(first.path))
      return await server.addSignRequest({
        ...request,
        files: [...request.files, { name: `${first.package}/usr/lib/malformed.efi`, bytes }],
      })
    }
    case 'forty-files':
      return await server.addSignRequest({ ...request, files: forty(input.files) })
    case 'changing-file': {
      const before = await readFile(first.path)
      const files = [{ ...inputFile(first), later: [changed(before)], declares: input.declares ?? 'current' }]
      return await server.addSignRequest({ ...request, files })
    }
    case 'server-lost': {
      const { route, nth, when } = input.lostAt ?? { route: 'artifact.create', nth: 1, when: 'before' }
      server.faults.add({ route, nth, fault: { kind: 'server-lost', when } })
      return await server.addSignRequest(request)
    }
  }
}

function inputFile(file: ScenarioFile): InputFile {
  return { name: `${file.package}/usr/lib/${file.name}`, file: file.path }
}

function forty(files: readonly ScenarioFile[]): readonly InputFile[] {
  return Array.from({ length: 40 }, (_, index) => {
    const file = files[index % files.length]
    if (file === undefined) throw new Error('a scenario needs a file')
    return { name: `${file.package}/usr/lib/${String(index + 1).padStart(2, '0')}/${file.name}`, file: file.path }
  })
}

/** e_lfanew points behind the end: the DOS header says PE, the PE header is not there. */
function malformed(bytes: Buffer): Buffer {
  const broken = Buffer.from(bytes.subarray(0, Math.min(bytes.length, 4096)))
  broken.writeUInt32LE(0x7fff_ff00, 0x3c)
  return broken
}

/** One bit in the last quarter is another: still a PE file, and not the one that was looked at. */
function changed(bytes: Buffer): Buffer {
  const other = Buffer.from(bytes)
  const at = Math.floor(bytes.length * 0.75)
  other.writeUInt8(other.readUInt8(at) ^ 1, at)
  return other
}
