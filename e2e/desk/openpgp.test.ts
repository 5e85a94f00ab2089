import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { recorded } from '../../src/main/debusine/testing/replay.ts'
import { certifyTokenKey } from '../../src/main/keys/openpgp/certify-token-key.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { Fingerprint } from '../../src/shared/ids.ts'
import { sha256Hex } from '../../src/shared/ids.ts'
import { Secret } from '../../src/shared/secret.ts'
import { benchPin, codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'

// Texts that a debusine wants clear-signed, from the request to the finished message at the server.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 })

const folder = mkdtempSync(join(tmpdir(), 'desk-openpgp-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const gpg = (home: string, ...args: readonly string[]) =>
  execFileSync('gpg', ['--homedir', home, '--batch', '--trust-model', 'always', ...args], { stdio: 'pipe' })

/** What GnuPG itself writes above the signature of the same text, with the digest that debusine prefers. */
function clearSignedByGpg(text: Uint8Array): string {
  const home = mkdtempSync(join(folder, 'home-'))
  gpg(home, '--passphrase', '', '--quick-gen-key', 'Somebody else', 'ed25519', 'sign', 'never')
  const file = join(home, 'text')
  writeFileSync(file, text)
  gpg(home, '--digest-algo', 'SHA512', '--output', `${file}.asc`, '--clear-sign', file)
  const signed = execFileSync('cat', [`${file}.asc`], { encoding: 'utf8' })
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  return head(signed)
}
const head = (message: string) => message.slice(0, message.indexOf('-----BEGIN PGP SIGNATURE-----'))

describe.skipIf(softHsmModule() === null).each([
  ['0.11', 'sign-openpgp.0.11.3'],
  ['0.16', 'sign-openpgp.0.16.2'],
] as const)('texts of a debusine %s (needs SoftHSM: apt-get install softhsm2)', (dialect, recording) => {
  let tokens: SharedTokens
  let bench: DeskBench
  let print: Fingerprint
  let gpgHome: string
  beforeAll(async () => {
    tokens = await makeSharedTokens()
    bench = await DeskBench.make({ tokens, dialect })
    const { database, audit, tokens: service, shippedRoots } = bench.station
    const [token] = tokens.soft.tokens
    print = orThrow(
      await certifyTokenKey(
        { db: database.db, audit, tokens: service, shippedRoots, now: () => new Date(Date.now() - 60_000) },
        {
          purpose: 'openpgp',
          token: bench.tokenId,
          ckaId: token?.keys[1]?.ckaId ?? '',
          spkiSha256: sha256Hex.parse(token?.keys[1]?.spkiSha256),
          description: 'Uploads',
          production: false,
          plan: { userId: 'Uploads <uploads@example.org>', days: 365 },
          pin: Secret.fromText(benchPin),
          useLastTry: false,
        },
        'Release Manager',
      ),
    )
    const key = await bench.station.keys.find('openpgp', print)
    bench.server.addKey({ purpose: 'openpgp', fingerprint: print, publicKey: key?.certificatePem ?? '' })
    bench.station.keysChanged()
    gpgHome = mkdtempSync(join(folder, 'verify-'))
    writeFileSync(join(gpgHome, 'key.asc'), key?.certificatePem ?? '')
    gpg(gpgHome, '--import', join(gpgHome, 'key.asc'))
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
  })
  afterEach(() => expect(bench.server.record.violations).toEqual([]))

  const ask = (files: Readonly<Record<string, string | Uint8Array>>) =>
    bench.ask(0, {
      purpose: 'openpgp',
      fingerprint: print,
      files: Object.entries(files).map(([name, content]) => ({ name, bytes: Buffer.from(content as string) })),
    })
  async function checkOf(work: number, id: string) {
    const detail = await bench.until(work, 'review')
    return detail.sheet?.checks.find((check) => check.id === id)
  }
  async function decline(work: number): Promise<void> {
    orThrow(await bench.station.desk.decline((await bench.show(work)).summary.id, 'not this'))
    await bench.until(work, 'done')
  }

  test('are reviewed, signed and returned as the real worker does, each a use of the key', async () => {
    const dashes = '- a list\n-----BEGIN\nFrom: me\nFrom here\nblanks \t\n\nends without a line end'
    const files = { 'pkg/notes.txt': 'Release notes\n', 'pkg/dashes.txt': dashes, 'pkg/extra.ko': '\u007fELF' }
    const work = await ask(files)
    expect(await checkOf(work, 'layout-safe')).toMatchObject({ outcome: 'passed' })
    const detail = await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    const [output] = await bench.server.outputs(work)
    const texts = new Map(output?.files.map(({ path, bytes }) => [path, Buffer.from(bytes).toString('utf8')]))
    expect([...texts.keys()]).toEqual(['pkg/dashes.txt.sig', 'pkg/notes.txt.sig'])
    for (const [name, text] of [
      ['pkg/dashes.txt', dashes],
      ['pkg/notes.txt', files['pkg/notes.txt']],
    ] as const) {
      const message = texts.get(`${name}.sig`) ?? ''
      expect(head(message)).toBe(clearSignedByGpg(Buffer.from(text)))
      writeFileSync(join(gpgHome, 'message.asc'), message)
      gpg(gpgHome, '--verify', join(gpgHome, 'message.asc'))
    }
    const made = recorded(recording)
      .filter(({ request }) => request.method === 'POST' && request.path === '/api/1.0/artifact/')
      .map(({ request }) => (request.body as { json: { category: string; data: Record<string, unknown> } }).json)
    expect(output?.category).toBe(made[0]?.category)
    expect(Object.keys(output?.data ?? {}).sort()).toEqual(Object.keys(made[0]?.data ?? {}).sort())
    expect(output?.data).toMatchObject({
      purpose: 'openpgp',
      fingerprint: print,
      results: [
        { file: 'pkg/dashes.txt', output_file: 'pkg/dashes.txt.sig', error_message: null },
        { file: 'pkg/extra.ko', output_file: null, error_message: expect.stringContaining('kernel module') },
        { file: 'pkg/notes.txt', output_file: 'pkg/notes.txt.sig', error_message: null },
      ],
    })
    const story = await bench.story(work)
    expect(story.filter((event) => event === 'intent')).toHaveLength(2)
    expect(story.filter((event) => event === 'signed')).toHaveLength(2)
    const [first] = (detail.sheet?.artifacts[0]?.files ?? []).filter(({ disposition }) => disposition === 'sign')
    expect((await bench.entries('signed')).at(-2)).toMatchObject({
      purpose: 'openpgp',
      fingerprint: print,
      digest: first?.toBeSigned?.digest,
      what: 'text as a clear-text signature reads it',
    })
  })

  test('that programs would not all read alike cannot be approved', async (ctx) => {
    if (dialect === '0.11') return ctx.skip('the same for both servers')
    const work = await ask({
      'bad/1-zero': 'a\nb\0c\n',
      'bad/2-return': 'a\rb\n',
      'bad/3-latin': Buffer.from([0x61, 0xff, 0x0a]),
      'bad/4-long': `${'x'.repeat(20_000)}\n`,
      'good.txt': 'good\n',
    })
    const check = await checkOf(work, 'layout-safe')
    expect(check?.outcome).toBe('refused')
    expect(check?.evidence.map(({ found, outcome }) => `${outcome}: ${found.split(',')[0]}`)).toEqual([
      'refused: Line 2 holds a zero byte',
      expect.stringContaining('refused: Line 1 holds a carriage return that ends no line'),
      expect.stringContaining('refused: The file is not UTF-8 text'),
      expect.stringContaining('refused: Line 1 is longer than 19990 bytes'),
      expect.stringContaining('passed: one reading only'),
    ])
    const detail = await bench.show(work)
    await bench.showSheet(detail)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('sheet-blocked')
    await decline(work)
    expect(await bench.signatures(work)).toEqual([])
  })

  const message = [
    'Read me first',
    '-----BEGIN PGP SIGNED MESSAGE-----',
    'Hash: SHA512',
    '',
    'signed by somebody',
    '-----BEGIN PGP SIGNATURE-----',
    '',
    'AAAA',
    '-----END PGP SIGNATURE-----',
    'and this is not signed',
    '',
  ].join('\n')
  test('with what a reader does not see say so, and only a person who saw it can approve', async (ctx) => {
    if (dialect === '0.11') return ctx.skip('the same for both servers')
    const files = {
      'odd/1-signed': message,
      'odd/2-direction': 'pay \u202Eeno\u202C now\n',
      'odd/3-invisible': 'pass\u200Bword\n',
      'odd/4-control': 'ab\u001B[2Kc\n',
      'odd/5-long': 'line\n'.repeat(10_000),
      'odd/6-empty': '',
    }
    const work = await ask(files)
    const check = await checkOf(work, 'file-explained')
    expect(check?.outcome).toBe('attention')
    const found = check?.evidence.map((each) => `${each.subject.slice(0, 6)} ${each.found}`).join('\n') ?? ''
    for (const words of [
      'file 1 3 lines begin like the frame of an OpenPGP message, first line 2',
      'file 1 2 lines lie outside the signed part',
      'file 2 U+202E, a character that turns the direction of writing, 1 time, first in line 1',
      'file 2 U+202C, a character that turns',
      'file 3 U+200B, an invisible character',
      'file 4 U+001B, a control character',
      'file 5 the sheet shows the beginning of 10000 lines only',
      'file 6 the file is empty',
    ])
      expect(found).toContain(words)
    const detail = await bench.show(work)
    await bench.showSheet(detail)
    const blind = bench.approval(detail, { acknowledged: [] })
    expect(codeOf(await bench.station.desk.approve(blind))).toBe('not-acknowledged')
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    expect(await bench.untilCompleted(work)).toBe('success')
    const [output] = await bench.server.outputs(work)
    expect(output?.files).toHaveLength(Object.keys(files).length)
    for (const { bytes } of output?.files ?? []) {
      writeFileSync(join(gpgHome, 'odd.asc'), bytes)
      gpg(gpgHome, '--verify', join(gpgHome, 'odd.asc'))
    }
    await bench.until(work, 'done')
  })
})
