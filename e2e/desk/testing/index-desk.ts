import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { sampleRelease } from '../../../src/main/debian/testing/sample-release.ts'
import type { RequestDetail } from '../../../src/shared/request.ts'
import { Secret } from '../../../src/shared/secret.ts'
import { benchPin, type DeskBench, orThrow } from '../desk-bench.ts'
import type { OpenPgpKey } from '../openpgp-keys.ts'

export interface GrantChange {
  readonly uses?: number
  readonly minutes?: number
  readonly pin?: string
}

/** A desk at which indexes of suites are signed, one by one by a person or by an approval that was given ahead. */
export class IndexDesk {
  readonly bench: DeskBench
  readonly key: OpenPgpKey
  readonly #pin: string
  /** Minutes before now; each Release is later than the one before. */
  #age = 5_000

  private constructor(bench: DeskBench, key: OpenPgpKey, pin: string) {
    this.bench = bench
    this.key = key
    this.#pin = pin
  }

  /** The station goes on duty with a key for indexes. */
  static async make(bench: DeskBench, key: OpenPgpKey, pin = benchPin): Promise<IndexDesk> {
    orThrow(await bench.station.setDuty(false))
    orThrow(await bench.station.setDuty(true))
    return new IndexDesk(bench, key, pin)
  }

  /** The first index of a suite is a person's: nothing was signed before that it could follow. */
  async begin(...suites: readonly string[]): Promise<void> {
    for (const suite of suites) {
      const work = await this.ask({ suite })
      await this.bench.approve(work)
      await this.bench.until(work, 'done')
    }
  }

  ask({
    suite = 'forky',
    minutes,
    validUntil,
    release,
  }: {
    readonly suite?: string
    readonly minutes?: number
    readonly validUntil?: string
    readonly release?: Uint8Array
  } = {}): Promise<number> {
    return this.bench.server.addIndex({
      fingerprints: [this.key.fingerprint],
      release:
        release ??
        this.release({
          suite,
          ...(minutes === undefined ? {} : { minutes }),
          ...(validUntil === undefined ? {} : { validUntil }),
        }),
      mode: 'clear',
      suite: `${suite}@debian:suite`,
      signedName: 'InRelease',
    })
  }

  /** The next `Release` of a suite. */
  release(of: { readonly suite?: string; readonly minutes?: number; readonly validUntil?: string } = {}): Uint8Array {
    this.#age -= 1
    const at = (ms: number) => new Date(Date.now() + ms).toUTCString().replace('GMT', 'UTC')
    return Buffer.from(
      sampleRelease({
        date: at(-(of.minutes ?? this.#age) * 60_000),
        validUntil: of.validUntil ?? at(7 * 86_400_000),
        indexes: { 'main/binary-amd64/Packages': `${of.suite ?? 'forky'} ${this.#age}` },
      }),
    )
  }

  async grant(detail: RequestDetail, change: GrantChange = {}) {
    if (detail.sheetDigest === null) throw new Error('there is no sheet')
    await this.bench.showSheet(detail)
    return this.bench.station.desk.standing.grant({
      requestId: detail.summary.id,
      sheetDigest: detail.sheetDigest,
      uses: change.uses ?? 10,
      minutes: change.minutes ?? 60,
      pin: Secret.fromText(change.pin ?? this.#pin),
      useLastTry: false,
    })
  }

  /** Granted at a request that is signed by it at once. */
  async granted(change: GrantChange = {}) {
    const work = await this.ask()
    const standing = orThrow(await this.grant(await this.bench.until(work, 'review'), change))
    await this.bench.until(work, 'done')
    return standing
  }

  /** One more index that nobody is asked about. */
  async signsAlone(): Promise<number> {
    const work = await this.ask()
    expect(await this.bench.untilCompleted(work)).toBe('success')
    await this.bench.until(work, 'done')
    return work
  }

  /** A request that waits, and goes on waiting until a person declines it. */
  async waits(work: number): Promise<RequestDetail> {
    const { bench } = this
    const detail = await bench.until(work, 'review')
    // Once more through all of it: when that is over, whatever approves by itself has had its chance.
    orThrow(await bench.station.desk.recheck(detail.summary.id))
    expect((await bench.show(work)).summary.stage).toBe('review')
    expect(await bench.signatures(work)).toEqual([])
    await this.declines(work)
    return detail
  }

  async declines(work: number): Promise<void> {
    const { bench } = this
    orThrow(await bench.station.desk.decline((await bench.show(work)).summary.id, 'Not by itself.'))
    await bench.until(work, 'done')
  }

  async endsOf(id: string): Promise<readonly unknown[]> {
    const ends = await this.bench.entries('standing-approval-withdrawn')
    return ends.filter((entry) => entry['standing'] === id).map((entry) => entry['why'])
  }

  /** It is over, once and for this; and the next request waits for a person. */
  async endedFor(id: string, why: string): Promise<void> {
    await vi.waitFor(async () => expect(await this.endsOf(id)).toEqual([why]), 30_000)
    expect(this.bench.station.desk.standing.list()).toEqual([])
    await this.waits(await this.ask())
  }

  async usesOf(id: string) {
    return (await this.bench.entries('standing-approval-used')).filter((entry) => entry['standing'] === id)
  }

  /** GnuPG's own word on what went back to the server. */
  async accepted(work: number): Promise<boolean> {
    const folder = mkdtempSync(join(tmpdir(), 'index-desk-'))
    try {
      const [keyring, signed] = [join(folder, 'keyring.gpg'), join(folder, 'InRelease')]
      const certificate = execFileSync('gpg', ['--homedir', folder, '--dearmor'], { input: this.key.certificate })
      writeFileSync(keyring, certificate)
      const [output] = (await this.bench.server.outputs(work)).flatMap(({ files }) => files)
      if (output === undefined) return false
      writeFileSync(signed, output.bytes)
      execFileSync('gpgv', ['--homedir', folder, '--keyring', keyring, signed], { stdio: 'pipe' })
      return true
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
