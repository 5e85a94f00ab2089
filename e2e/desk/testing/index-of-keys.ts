import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { sampleRelease } from '../../../src/main/debian/testing/sample-release.ts'
import type { Fingerprint } from '../../../src/shared/ids.ts'
import type { DeskBench } from '../desk-bench.ts'

/** A key for repository indexes, as `registerOpenPgp` makes it. */
export interface IndexKey {
  readonly fingerprint: Fingerprint
  readonly certificate: string
}

let minutes = 1000
/** A Release of today, each younger than the one before. */
export function releaseOfToday(): string {
  minutes -= 1
  const at = (offset: number) => new Date(Date.now() + offset).toUTCString().replace('GMT', 'UTC')
  return sampleRelease({ date: at(-minutes * 60_000), validUntil: at(7 * 86_400_000) })
}

export function askForIndex(
  bench: DeskBench,
  keys: readonly IndexKey[],
  text: string,
  mode: 'clear' | 'detached',
): Promise<number> {
  return bench.server.addIndex({
    fingerprints: keys.map(({ fingerprint }) => fingerprint),
    release: Buffer.from(text),
    mode,
    suite: 'forky@debian:suite',
    signedName: mode === 'clear' ? 'InRelease' : 'Release.gpg',
  })
}

/** What came back. */
export async function indexesOf(bench: DeskBench, work: number) {
  const outputs = await bench.server.outputs(work)
  expect(outputs.flatMap(({ incomplete }) => incomplete)).toEqual([])
  return outputs.filter(({ category }) => category === 'debian:repository-index').flatMap(({ files }) => files)
}

/** Fingerprints of the keys whose signatures gpgv takes, in its order; every signature must be good. */
export function signersOf(
  folder: string,
  keys: readonly IndexKey[],
  signed: { readonly mode: 'clear' | 'detached'; readonly bytes: Uint8Array; readonly text: string },
): readonly string[] {
  const keyring = join(folder, 'keyring.pgp')
  writeFileSync(keyring, Buffer.concat(keys.map(({ certificate }) => dearmored(certificate))))
  const release = join(folder, 'Release')
  const file = join(folder, signed.mode === 'clear' ? 'InRelease' : 'Release.gpg')
  writeFileSync(release, signed.text)
  writeFileSync(file, signed.bytes)
  const files = signed.mode === 'clear' ? [file] : [file, release]
  const run = spawnSync('gpgv', ['--status-fd', '1', '--keyring', keyring, ...files], { encoding: 'utf8' })
  expect(run.status, run.stderr).toBe(0)
  return [...run.stdout.matchAll(/VALIDSIG ([0-9A-F]{40})/g)].map(([, print]) => print ?? '')
}

/** The signature packets of a signed index. */
export function packetsOf(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes).toString('latin1')
  return dearmored(text.slice(text.indexOf('-----BEGIN PGP SIGNATURE-----')))
}

function dearmored(armor: string): Buffer {
  return execFileSync('gpg', ['--dearmor'], { input: armor })
}
