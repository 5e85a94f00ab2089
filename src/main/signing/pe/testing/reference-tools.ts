import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSignedData } from '../../../asn1/cms-signed-data.ts'
import { readElementAt } from '../../../asn1/der.ts'
import { readSpcIndirectData } from '../../../asn1/spc.ts'
import type { LocalKey } from '../../testing/local-key.ts'
import { readCertificateTable } from '../win-certificate.ts'

// The signing tools of Debian, as judges of our work. Tests skip, and say so, where one is not installed.

export type Tool = 'sbsign' | 'sbverify' | 'sbattach' | 'osslsigncode' | 'pesign' | 'openssl'

export function isInstalled(tool: Tool): boolean {
  return spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined
}

export function run(tool: Tool, args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(tool, args, { encoding: 'utf8', timeout: 20_000 })
}

/** A folder for one test file's use, with a key and its certificate in the forms that the tools want. */
export interface Bench {
  readonly folder: string
  path(name: string): string
  write(name: string, bytes: Uint8Array | string): string
  read(name: string): Buffer
  remove(): void
}

export function makeBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'pe-test-'))
  const path = (name: string): string => join(folder, name)
  return {
    folder,
    path,
    write: (name, bytes) => {
      writeFileSync(path(name), bytes)
      return path(name)
    },
    read: (name) => readFileSync(path(name)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export function writeKey(
  bench: Bench,
  name: string,
  key: LocalKey,
  certificate: Uint8Array,
): { key: string; certificate: string } {
  return {
    key: bench.write(`${name}.key`, key.privateKey.export({ format: 'pem', type: 'pkcs8' })),
    certificate: bench.write(`${name}.pem`, new X509Certificate(certificate).toString()),
  }
}

/** The Authenticode SHA-256 that a tool computes for an image; null when it refuses. */
export const digestBy = {
  sbsign: (bench: Bench, image: string, keys: { key: string; certificate: string }): string | null => {
    const output = bench.path('sbsign.sig')
    rmSync(output, { force: true })
    const { status } = run('sbsign', [
      '--key',
      keys.key,
      '--cert',
      keys.certificate,
      '--detached',
      '--output',
      output,
      image,
    ])
    return status === 0 ? signedDigest(readFileSync(output)) : null
  },
  osslsigncode: (bench: Bench, image: string, keys: { key: string; certificate: string }): string | null => {
    const output = bench.path('osslsigncode.efi')
    rmSync(output, { force: true })
    const { status } = run('osslsigncode', [
      'sign',
      '-h',
      'sha256',
      '-certs',
      keys.certificate,
      '-key',
      keys.key,
      '-in',
      image,
      '-out',
      output,
    ])
    return status === 0 ? firstSignature(readFileSync(output)) : null
  },
  pesign: (_bench: Bench, image: string): string | null => {
    const { status, stdout } = run('pesign', ['-h', '-P', '-i', image])
    const digest = /[0-9a-f]{64}/.exec(stdout)?.[0]
    return status === 0 && digest !== undefined ? digest : null
  },
} as const

export function acceptedByOsslsigncode(image: string, certificate: string): boolean {
  const { status, stdout } = run('osslsigncode', ['verify', '-CAfile', certificate, '-in', image])
  return status === 0 && stdout.includes('Signature verification: ok')
}

/**
 * The signature with zeros behind it, up to a multiple of eight bytes. osslsigncode 2.5 (Debian 12) calls an attached signature of any
 * other size invalid, those of sbsign included; 2.9 does not.
 */
export function padded(signature: Uint8Array): Buffer {
  return Buffer.concat([signature, Buffer.alloc(-signature.length & 7)])
}

function firstSignature(image: Buffer): string | null {
  const optional = image.readUInt32LE(0x3c) + 24
  const entry = optional + (image.readUInt16LE(optional) === 0x20b ? 112 : 96) + 32
  const table = readCertificateTable(
    image.subarray(image.readUInt32LE(entry), image.readUInt32LE(entry) + image.readUInt32LE(entry + 4)),
  )
  return table.ok && table.value[0] !== undefined ? signedDigest(table.value[0].data) : null
}

/** The image digest inside a signature, whoever made it. */
export function signedDigest(signature: Uint8Array): string | null {
  const element = readElementAt(signature, 0)
  const signed = element.ok ? readSignedData(element.value.bytes) : element
  const spc = signed.ok && signed.value.content !== null ? readSpcIndirectData(signed.value.content) : null
  return spc?.ok === true ? Buffer.from(spc.value.digest).toString('hex') : null
}
