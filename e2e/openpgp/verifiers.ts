import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { libraryPath, type UnpackedPackages, unpackPackages } from '../../scripts/debian-packages.ts'
import { err, ok, type Result } from '../../src/shared/result.ts'

// Programs that must accept what the station signs: Debian 12's from the system, Debian 13's unpacked and run with their own libraries.

const trixiePackages = [
  'apt',
  'gpg',
  'libapt-pkg7.0',
  'libassuan9',
  'libbz2-1.0',
  'libc6',
  'libcap2',
  'libgcc-s1',
  'libgcrypt20',
  'libgmp10',
  'libgpg-error0',
  'libhogweed6t64',
  'liblz4-1',
  'liblzma5',
  'libnettle8t64',
  'libnpth0t64',
  'libreadline8t64',
  'libseccomp2',
  'libsqlite3-0',
  'libssl3t64',
  'libstdc++6',
  'libsystemd0',
  'libtinfo6',
  'libudev1',
  'libxxhash0',
  'libzstd1',
  'sq',
  'sqv',
  'zlib1g',
]

/** How a program of another Debian is run: its loader, its libraries, itself. */
export interface Trixie {
  readonly program: (packageName: string, path: string) => readonly string[]
  readonly root: (packageName: string) => string
}

export async function unpackedTrixie(): Promise<Result<Trixie, string>> {
  const packages = await unpackPackages('trixie', trixiePackages)
  if (!packages.ok) return packages
  const loader = spawnSync('find', [rootOf(packages.value, 'libc6'), '-name', 'ld-linux-*.so.*', '-type', 'f'], {
    encoding: 'utf8',
  }).stdout.split('\n')[0]
  if (loader === undefined || loader === '') return err('the unpacked libc6 has no loader')
  const libraries = await libraryPath(packages.value)
  return ok({
    root: (name) => rootOf(packages.value, name),
    program: (name, path) => [loader, '--library-path', libraries, join(rootOf(packages.value, name), path)],
  })
}

function rootOf(packages: UnpackedPackages, name: string): string {
  const root = packages.get(name)
  if (root === undefined) throw new Error(`${name} was not unpacked`)
  return root
}

export interface SignedWith {
  /** Certificate, binary. */
  readonly certificates: readonly Uint8Array[]
  readonly text: Uint8Array
  readonly clear: Uint8Array
  /** Armored, binary and text mode. */
  readonly detached: Uint8Array
  readonly detachedText: Uint8Array
}

export type VerifierName = 'gpg 2.2' | 'gpgv 2.2' | 'sq 0.27' | 'sqv 1.1' | 'gpg 2.4' | 'sq 1.3' | 'sqv 1.3'

/** A folder with files to be judged; each verifier says whether it accepts all that it has a way to look at. */
export class Verifiers {
  readonly folder = mkdtempSync(join(tmpdir(), 'openpgp-'))
  readonly #trixie: Trixie | null
  #round = 0

  constructor(trixie: Trixie | null) {
    this.#trixie = trixie
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** Empty: accepted. Else what the program said. */
  verdict(name: VerifierName, signed: SignedWith): string {
    const place = join(this.folder, String(this.#round++))
    mkdirSync(place, { mode: 0o700 })
    const file = (which: string, bytes: Uint8Array) => {
      writeFileSync(join(place, which), bytes)
      return join(place, which)
    }
    const certificates = signed.certificates.map((bytes, index) => file(`certificate-${index}.pgp`, bytes))
    const keyring = file('keyring.pgp', Buffer.concat(signed.certificates))
    const files = {
      text: file('text', signed.text),
      clear: file('clear.asc', signed.clear),
      detached: file('detached.asc', signed.detached),
      detachedText: file('detached-text.asc', signed.detachedText),
    }
    const count = String(certificates.length)
    const home = { HOME: place, GNUPGHOME: place }
    const all = (...commands: readonly (readonly string[])[]) => run(commands, home)
    switch (name) {
      case 'gpg 2.2':
        return this.#gpg(['gpg'], keyring, files, home)
      case 'gpg 2.4':
        return this.#gpg(this.#of('gpg', 'usr/bin/gpg'), keyring, files, home)
      case 'gpgv 2.2':
        return all(
          ['gpgv', '--keyring', keyring, '--output', join(place, 'out'), files.clear],
          ['gpgv', '--keyring', keyring, files.detached, files.text],
          ['gpgv', '--keyring', keyring, files.detachedText, files.text],
        )
      case 'sq 0.27': {
        const signers = certificates.flatMap((path) => ['--signer-cert', path])
        return all(
          ['sq', 'verify', '-n', count, ...signers, files.clear],
          ['sq', 'verify', '-n', count, ...signers, '--detached', files.detached, files.text],
        )
      }
      case 'sqv 1.1':
        return all(['sqv', '-n', count, '--keyring', keyring, files.detached, files.text])
      case 'sq 1.3': {
        const sq = [...this.#of('sq', 'usr/bin/sq'), '--home', 'none']
        const signers = ['--signatures', count, ...certificates.flatMap((path) => ['--signer-file', path])]
        return all(
          [...sq, 'verify', '--cleartext', ...signers, files.clear],
          [...sq, 'verify', `--signature-file=${files.detached}`, ...signers, files.text],
          [...sq, 'verify', `--signature-file=${files.detachedText}`, ...signers, files.text],
          ...certificates.map((path) => [...sq, 'cert', 'lint', '--cert-file', path]),
        )
      }
      case 'sqv 1.3': {
        const sqv = [...this.#of('sqv', 'usr/bin/sqv'), '-n', count, '--keyring', keyring]
        return all(
          [...sqv, '--cleartext', '--output', join(place, 'sqv-out'), files.clear],
          [...sqv, `--signature-file=${files.detached}`, files.text],
        )
      }
    }
  }

  #of(name: string, path: string): readonly string[] {
    if (this.#trixie === null) throw new Error('nothing of trixie was unpacked')
    return this.#trixie.program(name, path)
  }

  #gpg(
    program: readonly string[],
    keyring: string,
    files: { text: string; clear: string; detached: string; detachedText: string },
    env: Readonly<Record<string, string>>,
  ): string {
    const gpg = [...program, '--batch', '--no-autostart', '--no-auto-check-trustdb', '--trust-model', 'always']
    return run(
      [
        [...gpg, '--import', keyring],
        [...gpg, '--verify', files.clear],
        [...gpg, '--verify', files.detached, files.text],
        [...gpg, '--verify', files.detachedText, files.text],
      ],
      env,
    )
  }

  /** `apt-get update` over a repository of nothing but a signed index. Empty: accepted, without a warning. */
  apt(
    suite: 'bookworm' | 'trixie',
    repository: { readonly certificates: readonly Uint8Array[]; readonly files: Readonly<Record<string, Uint8Array>> },
  ): string {
    const place = join(this.folder, String(this.#round++))
    const path = (...parts: readonly string[]) => join(place, ...parts)
    for (const folder of ['repo', 'state/lists/partial', 'cache/archives/partial', 'etc', 'methods'])
      mkdirSync(path(folder), { recursive: true })
    for (const [name, bytes] of Object.entries(repository.files)) writeFileSync(path('repo', name), bytes)
    writeFileSync(path('etc', 'keyring.pgp'), Buffer.concat(repository.certificates))
    writeFileSync(
      path('etc', 'sources.list'),
      `deb [signed-by=${path('etc', 'keyring.pgp')}] file:${path('repo')} ./\n`,
    )
    writeFileSync(path('state', 'status'), '')
    writeFileSync(path('etc', 'apt.conf'), '')
    const options = [
      `Dir::State=${path('state')}`,
      `Dir::State::status=${path('state', 'status')}`,
      `Dir::Cache=${path('cache')}`,
      `Dir::Etc=${path('etc')}`,
      `Dir::Etc::sourcelist=${path('etc', 'sources.list')}`,
      'Dir::Etc::sourceparts=-',
      'Acquire::Languages=none',
      'APT::Sandbox::User=',
      'APT::Update::Error-Mode=any',
    ]
    const update = (extra: readonly string[] = []) => [
      'update',
      ...[...options, ...extra].flatMap((each) => ['-o', each]),
    ]
    const env = { HOME: place, APT_CONFIG: path('etc', 'apt.conf') }
    if (suite === 'bookworm') return complaints(run([['apt-get', ...update()]], env, true))
    for (const method of ['file', 'copy', 'store', 'sqv'])
      script(path('methods', method), this.#of('apt', `usr/lib/apt/methods/${method}`))
    script(path('sqv'), this.#of('sqv', 'usr/bin/sqv'))
    const policy = join(this.#root('apt'), 'usr/share/apt/default-sequoia.config')
    // The method calls /usr/bin/sqv: in a file system of its own that is Debian 13's.
    const inside = `mount --bind ${path('sqv')} /usr/bin/sqv && exec "$0" "$@"`
    return complaints(
      run(
        [
          [
            'unshare',
            '--user',
            '--map-root-user',
            '--mount',
            'sh',
            '-c',
            inside,
            ...this.#of('apt', 'usr/bin/apt-get'),
            ...update([`Dir::Bin::Methods=${path('methods')}`]),
          ],
        ],
        { ...env, APT_SEQUOIA_CRYPTO_POLICY: policy },
        true,
      ),
    )
  }

  #root(name: string): string {
    if (this.#trixie === null) throw new Error('nothing of trixie was unpacked')
    return this.#trixie.root(name)
  }
}

function script(path: string, command: readonly string[]): void {
  writeFileSync(path, `#!/bin/sh\nexec ${command.map((part) => `'${part}'`).join(' ')} "$@"\n`)
  chmodSync(path, 0o755)
}

/** What the first of the commands that failed said; with `always`, what a good one said too. */
function run(commands: readonly (readonly string[])[], env: Readonly<Record<string, string>>, always = false): string {
  for (const [program = '', ...args] of commands) {
    const done = spawnSync(program, args, {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', ...env },
    })
    const said = `${done.stdout}${done.stderr}${done.error?.message ?? ''}`
    if (done.status !== 0)
      return `${program} ${args.filter((part) => part.length < 200).join(' ')}: failed (${done.status}) ${said}`
    if (always) return said
  }
  return ''
}

function complaints(said: string): string {
  return said
    .split('\n')
    .filter((line) => /failed|^[WE]:|Err:/.test(line))
    .join('\n')
}
