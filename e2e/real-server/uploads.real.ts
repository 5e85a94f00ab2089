import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { DeskBench, makeSharedTokens, type SharedTokens } from '../desk/desk-bench.ts'
import { registerOpenPgp } from '../desk/openpgp-keys.ts'
import { type Bed, type Release, seed, testbed, up } from './testbed.ts'

// The tasks of OpenPGP keys at the real servers of both releases, with keys on a SoftHSM: the server completes each with what the station
// made, and the programs of Debian accept it.

interface Ended {
  readonly status: string
  readonly result: string
  readonly artifacts: readonly {
    readonly category: string
    readonly data: Record<string, unknown>
    readonly files: Readonly<Record<string, { readonly base64?: string }>>
    readonly relations: readonly { readonly type: string; readonly target: number }[]
  }[]
}

const vaultPin = '907316'
type Typed = NonNullable<Parameters<DeskBench['approval']>[1]>
type Registered = Awaited<ReturnType<typeof registerOpenPgp>>

describe.each(['stable', 'backports'] as const)('OpenPGP at the real server of Debian %s', (release: Release) => {
  let bed: Bed
  let tokens: SharedTokens
  let bench: DeskBench
  let key: Registered
  let indexKey: Registered | null = null
  const folder = mkdtempSync(join(tmpdir(), 'real-uploads-'))
  const fqdn = `uploads-${randomBytes(4).toString('hex')}.example.org`

  beforeAll(async () => {
    bed = await up(release)
    tokens = await makeSharedTokens([
      { label: 'Vault', pin: vaultPin, keys: [{ algorithm: 'rsa-2048', commonName: 'Key of the vault' }] },
    ])
    const made =
      release === 'stable'
        ? null
        : await testbed(release, 'admin', 'worker', 'create', '--worker-type', 'signing', fqdn)
    bench = await DeskBench.make({
      tokens,
      registerKey: false,
      server: {
        apiUrl: bed.api_url,
        caPem: readFileSync(bed.ca_file, 'utf8'),
        fqdn,
        activationToken: made === null ? null : (/[0-9a-f]{64}/.exec(made)?.[0] ?? null),
        enable: async () => {
          if (release === 'stable') await testbed(release, 'enable-worker', fqdn.replaceAll('.', '-'))
        },
      },
    })
    const [rsa, ec] = tokens.soft.tokens[0]?.keys ?? []
    key = await registerOpenPgp(bench, rsa?.ckaId ?? '', 'openpgp')
    await addKey('openpgp', key)
    if (release === 'stable') return
    indexKey = await registerOpenPgp(bench, ec?.ckaId ?? '', 'openpgp-repository')
    await addKey('openpgp-repository', indexKey)
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  async function addKey(purpose: string, { certificate }: Registered): Promise<void> {
    const script = join(import.meta.dirname, 'testbed', 'testbed')
    const child = promisify(execFile)(script, ['add-key', purpose, 'Upload test key'], {
      env: { ...process.env, DEBUSINE_TESTBED_RELEASE: release },
    })
    child.child.stdin?.end(certificate)
    await child
  }
  function ended(id: number): Promise<Ended> {
    return vi.waitFor(
      async () => {
        const answer: unknown = JSON.parse(await testbed(release, 'work-request', String(id)))
        const found = (Array.isArray(answer) ? answer[0] : answer) as Ended // our own script
        if (found.status !== 'completed') throw new Error(`work request ${id} is ${found.status}`)
        return found
      },
      { timeout: 100_000, interval: 1000 },
    )
  }
  async function signed(id: number, category: string, furtherPins: Typed['furtherPins'] = []) {
    await vi.waitFor(
      async () => {
        if ((await bench.idOf(id)) === null) throw new Error(`work request ${id} did not come`)
      },
      { timeout: 100_000, interval: 200 },
    )
    await bench.approve(id, { furtherPins })
    const found = await ended(id)
    expect(found).toMatchObject({ status: 'completed', result: 'success' })
    await bench.until(id, 'done')
    const output = found.artifacts.find((artifact) => artifact.category === category)
    if (output === undefined) throw new Error(`no ${category}`)
    const files = new Map(
      Object.entries(output.files).map(([name, { base64 }]) => [name, Buffer.from(base64 ?? '', 'base64')]),
    )
    return { ...output, files }
  }
  function keyringOf({ certificate }: Registered): string {
    const path = join(folder, `${randomBytes(4).toString('hex')}.pgp`)
    writeFileSync(path, execFileSync('gpg', ['--dearmor'], { input: certificate }))
    return path
  }

  it('completes a Debsign, and dscverify accepts the whole upload', async () => {
    const { work_request_id: id, artifacts } = await seed(release, 'debsign', `--key=${key.fingerprint}`)
    const output = await signed(id, 'debian:upload')
    expect(output.relations).toMatchObject([{ type: 'relates-to', target: artifacts[0] }])
    const place = mkdtempSync(join(folder, 'upload-'))
    for (const [name, bytes] of output.files) writeFileSync(join(place, name), bytes)
    const changes = [...output.files.keys()].find((name) => name.endsWith('.changes')) ?? ''
    expect(output.files.get(changes)?.toString().includes('\nDebusine-Work-Request: https://')).toBe(
      release === 'backports',
    )
    const ran = spawnSync('dscverify', ['--no-default-keyrings', '--keyring', keyringOf(key), join(place, changes)], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    })
    expect(ran.stdout + ran.stderr).toContain('All files validated successfully.')
  })

  it('completes a Sign of a text, and gpgv accepts it', async () => {
    const { work_request_id: id } = await seed(release, 'sign-openpgp', `--key=${key.fingerprint}`)
    const output = await signed(id, 'debusine:signing-output')
    const [name, bytes] = [...output.files][0] ?? ['', Buffer.alloc(0)]
    expect(name).toBe('notes/release.txt.sig')
    writeFileSync(join(folder, 'text.sig'), bytes)
    const ran = spawnSync('gpgv', ['--keyring', keyringOf(key), '--output', '-', join(folder, 'text.sig')], {
      encoding: 'utf8',
    })
    expect(ran.status, ran.stderr).toBe(0)
    expect(ran.stdout).toContain('From here')
  })

  it('completes a SignRepositoryIndex in both modes, where it has the task', async (context) => {
    if (indexKey === null) return context.skip('debusine 0.11 has no such task')
    const made = JSON.stringify(await seed(release, 'sign-repository-index', `--key=${indexKey.fingerprint}`))
    const { work_request_ids: ids } = JSON.parse(made) as { readonly work_request_ids: readonly number[] } // our own script
    const [detached = 0, clear = 0] = ids
    const signature = await signed(detached, 'debian:repository-index')
    expect(signature).toMatchObject({ data: { path: 'Release.gpg' }, relations: [{ type: 'extends' }] })
    const message = await signed(clear, 'debian:repository-index')
    expect(message).toMatchObject({ data: { path: 'InRelease' }, relations: [{ type: 'extends' }] })
    const keyring = keyringOf(indexKey)
    writeFileSync(join(folder, 'InRelease'), message.files.get('InRelease') ?? '')
    writeFileSync(join(folder, 'Release.gpg'), signature.files.get('Release.gpg') ?? '')
    const text = spawnSync('gpgv', ['--keyring', keyring, '--output', '-', join(folder, 'InRelease')])
    expect(text.status, text.stderr.toString()).toBe(0)
    writeFileSync(join(folder, 'Release'), text.stdout)
    const beside = spawnSync('gpgv', ['--keyring', keyring, join(folder, 'Release.gpg'), join(folder, 'Release')])
    expect(beside.status, beside.stderr.toString()).toBe(0)
  })

  it('completes a SignRepositoryIndex for two keys on two tokens, where it has the task', async (context) => {
    if (indexKey === null) return context.skip('debusine 0.11 has no such task')
    const vault = tokens.soft.tokens[1]
    if (vault === undefined) throw new Error('there is no second token')
    const second = await registerOpenPgp(bench, vault.keys[0]?.ckaId ?? '', 'openpgp-repository', vault.id, vaultPin)
    await addKey('openpgp-repository', second)
    const both = [indexKey, second]
    const wanted = both.map(({ fingerprint }) => fingerprint)
    const made = JSON.stringify(await seed(release, 'sign-repository-index', `--key=${wanted.join(',')}`))
    const { work_request_ids: ids } = JSON.parse(made) as { readonly work_request_ids: readonly number[] } // our own script
    const [detached = 0, clear = 0] = ids
    const furtherPins = [{ token: vault.id, pin: vaultPin }]
    const signature = await signed(detached, 'debian:repository-index', furtherPins)
    const message = await signed(clear, 'debian:repository-index', furtherPins)
    const keyring = join(folder, 'both.pgp')
    writeFileSync(keyring, Buffer.concat(both.map((each) => readFileSync(keyringOf(each)))))
    const good = (...files: readonly string[]) => {
      const ran = spawnSync('gpgv', ['--status-fd', '1', '--keyring', keyring, ...files], { encoding: 'utf8' })
      expect(ran.status, ran.stderr).toBe(0)
      return [...ran.stdout.matchAll(/VALIDSIG ([0-9A-F]{40})/g)].map(([, print]) => print)
    }
    writeFileSync(join(folder, 'InRelease.both'), message.files.get('InRelease') ?? '')
    writeFileSync(join(folder, 'Release.both.gpg'), signature.files.get('Release.gpg') ?? '')
    expect(good(join(folder, 'InRelease.both'))).toEqual(wanted)
    const text = spawnSync('gpgv', ['--keyring', keyring, '--output', '-', join(folder, 'InRelease.both')])
    writeFileSync(join(folder, 'Release.both'), text.stdout)
    expect(good(join(folder, 'Release.both.gpg'), join(folder, 'Release.both'))).toEqual(wanted)
  })
})
