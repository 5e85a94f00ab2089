import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { concatBytes, framedPackets, packet, packetTag, uint16 } from '../../src/main/openpgp/packet.ts'
import { subpacket } from '../../src/main/openpgp/signature.ts'
import { softHsmModule } from '../../src/main/token/testing/soft-token.ts'
import type { Fingerprint } from '../../src/shared/ids.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from './desk-bench.ts'
import { registerOpenPgp } from './openpgp-keys.ts'
import { askForIndex, indexesOf, releaseOfToday, signersOf } from './testing/index-of-keys.ts'

// An index that several keys sign: one sheet, one approval, a signature of each. Two keys are on one SoftHSM token, one on another.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const secondPin = '907316'
const program = join(import.meta.dirname, '../../src/main/cli/verify-audit.ts')

describe.skipIf(softHsmModule() === null)('an index for several keys (needs SoftHSM: apt-get install softhsm2)', () => {
  let tokens: SharedTokens
  let bench: DeskBench
  type Key = Awaited<ReturnType<typeof registerOpenPgp>>
  let first: Key
  let neighbour: Key
  let elsewhere: Key
  const folder = mkdtempSync(join(tmpdir(), 'desk-several-'))
  beforeAll(async () => {
    tokens = await makeSharedTokens([
      { label: 'Vault', pin: secondPin, keys: [{ algorithm: 'rsa-2048', commonName: 'Key of the vault' }] },
    ])
    bench = await DeskBench.make({ tokens })
    const [desk, vault] = tokens.soft.tokens
    first = await registerOpenPgp(bench, desk?.keys[0]?.ckaId ?? '', 'openpgp-repository')
    neighbour = await registerOpenPgp(bench, desk?.keys[1]?.ckaId ?? '', 'openpgp-repository')
    elsewhere = await registerOpenPgp(bench, vault?.keys[0]?.ckaId ?? '', 'openpgp-repository', secondPin, vaultId())
    orThrow(await bench.station.setDuty(false))
    orThrow(await bench.station.setDuty(true))
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
    rmSync(folder, { recursive: true, force: true })
  })
  afterEach(() => {
    expect(bench.server.record.violations).toEqual([])
  })

  const vaultId = () => {
    const id = tokens.soft.tokens[1]?.id
    if (id === undefined) throw new Error('there is no second token')
    return id
  }
  const vaultPin = () => [{ token: vaultId(), pin: secondPin }]
  const ask = (keys: readonly Key[], text: string, mode: 'clear' | 'detached' = 'clear') =>
    askForIndex(bench, keys, text, mode)
  async function outputOf(work: number) {
    const [file] = await indexesOf(bench, work)
    if (file === undefined) throw new Error('no index came back')
    return file
  }
  const uses = async (id: string, event: string) =>
    (await bench.entries(event))
      .filter((entry) => entry['requestId'] === id)
      .map((entry) => ({ fingerprint: entry['fingerprint'], key: entry['key'] }))

  test('names them all on its sheet, and one approval has each of them sign: gpgv takes every signature', async () => {
    const text = releaseOfToday()
    const work = await ask([first, neighbour, elsewhere], text)
    const detail = await bench.until(work, 'review')
    expect(detail.sheet?.furtherKeys?.map(({ key, permission }) => [key.fingerprint, permission.kind])).toEqual([
      [neighbour.fingerprint, 'answered'],
      [elsewhere.fingerprint, 'answered'],
    ])
    expect(detail.sheet?.checks.find(({ id }) => id === 'permission')?.sentence).toContain('each of the 3 keys')
    expect(detail.approvability).toEqual({ kind: 'approvable', acknowledge: [] })
    await bench.showSheet(detail)
    orThrow(await bench.station.desk.approve(bench.approval(detail, { furtherPins: vaultPin() })))
    expect(await bench.untilCompleted(work)).toBe('success')
    const done = await bench.until(work, 'done')
    expect(done.summary).toMatchObject({ fileCount: 1, signedCount: 1, outcome: 'signed' })
    expect(done.files[0]?.further?.map(({ outcome }) => outcome.kind)).toEqual(['made', 'made'])
    const { path, bytes } = await outputOf(work)
    expect(path).toBe('InRelease')
    const all = [first, neighbour, elsewhere]
    expect(signersOf(folder, all, { mode: 'clear', bytes, text })).toEqual(all.map(({ fingerprint }) => fingerprint))
    // Each key its own rows; the first, which completes the file, last.
    const order = [
      { fingerprint: neighbour.fingerprint, key: { position: 2, count: 3 } },
      { fingerprint: elsewhere.fingerprint, key: { position: 3, count: 3 } },
      { fingerprint: first.fingerprint, key: { position: 1, count: 3 } },
    ]
    expect(await uses(detail.summary.id, 'intent')).toEqual(order)
    expect(await uses(detail.summary.id, 'signed')).toEqual(order)
    expect(await bench.story(work)).toEqual([
      'request-received',
      'sheet-shown',
      'approved',
      'intent',
      'signed',
      'intent',
      'signed',
      'intent',
      'signed',
      'returned',
    ])
  })

  test('an auditor finds every key that signed a file, and none for a text that was put under its signatures', async () => {
    const work = await ask([first, neighbour], releaseOfToday())
    await bench.approve(work)
    await bench.until(work, 'done')
    const file = join(folder, 'InRelease.audited')
    const { bytes } = await outputOf(work)
    writeFileSync(file, bytes)
    const id = await bench.idOf(work)
    const signed = (await bench.entries('signed')).filter((entry) => entry['requestId'] === id)
    const look = (path: string) =>
      spawnSync(process.execPath, [program, bench.profile.database, '--file', path], { encoding: 'utf8' })
    expect(look(file).stdout).toContain(`entry ${signed.map(({ seq }) => seq).join(', ')}`)
    writeFileSync(file, bytes.toString().replace('Suite: ', 'Suite:  '))
    expect(look(file)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('No entry of the log records a signature of'),
    })
  })

  test('a detached signature has all of them too', async () => {
    const text = releaseOfToday()
    const work = await ask([neighbour, first], text, 'detached')
    await bench.approve(work)
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    const { bytes } = await outputOf(work)
    expect(signersOf(folder, [first, neighbour], { mode: 'detached', bytes, text })).toEqual([
      neighbour.fingerprint,
      first.fingerprint,
    ])
  })

  test('is not approved without the PIN of each token, nor with one that no key wants', async () => {
    const work = await ask([first, elsewhere], releaseOfToday())
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const approve = (change: Parameters<DeskBench['approval']>[1]) =>
      bench.station.desk.approve(bench.approval(detail, change))
    expect(codeOf(await approve({}))).toBe('pin-wanted')
    expect(codeOf(await approve({ pin: null, furtherPins: vaultPin() }))).toBe('pin-wanted')
    expect(codeOf(await approve({ furtherPins: [{ token: bench.tokenId, pin: secondPin }] }))).toBe('pin-not-wanted')
    expect(
      codeOf(await approve({ furtherPins: [...vaultPin(), { token: { ...vaultId(), serial: '0' }, pin: secondPin }] })),
    ).toBe('pin-not-wanted')
    expect(codeOf(await approve({ furtherPins: [{ token: vaultId(), pin: '000000' }] }))).toBe('pin-incorrect')
    const failed = (await bench.entries('login-failed')).at(-1)
    expect(failed).toMatchObject({ requestId: detail.summary.id, tokenSerial: vaultId().serial })
    expect(await uses(detail.summary.id, 'intent')).toEqual([])
    // Nothing was left logged in: the right PINs open it at once.
    orThrow(await approve({ furtherPins: vaultPin() }))
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })

  test('is blocked when the server, or this station, says no to one of them', async () => {
    const stranger = 'AB'.repeat(20) as Fingerprint
    const work = await ask([first, { fingerprint: stranger, certificate: '' }], releaseOfToday())
    const detail = await bench.until(work, 'review')
    expect(detail.approvability).toMatchObject({
      kind: 'blocked',
      by: expect.arrayContaining(['permission', 'key-registered']),
    })
    expect(detail.sheet?.checks.find(({ id }) => id === 'key-registered')?.sentence).toContain('Key 2 of 2: No key')
    await bench.showSheet(detail)
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('sheet-blocked')
    orThrow(await bench.station.desk.decline(detail.summary.id, 'a stranger'))
    await bench.until(work, 'done')
  })

  test('a key that is taken out of use after the sheet was shown stops all of them', async () => {
    const work = await ask([first, neighbour], releaseOfToday())
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    const { keys } = bench.station
    const state = (to: 'suspended' | 'active') =>
      keys.setState({ purpose: 'openpgp-repository', fingerprint: neighbour.fingerprint }, to, 'Release Manager')
    orThrow(await state('suspended'))
    expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe('key-not-active')
    expect(await uses(detail.summary.id, 'intent')).toEqual([])
    orThrow(await state('active'))
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
  })

  test('stopped after one of them has signed, it goes on with the others, and the first signature is not made again', async () => {
    const text = releaseOfToday()
    const work = await ask([first, neighbour], text)
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    let stopped = false
    bench.at('outcome', 'after', () => {
      if (stopped) return
      stopped = true
      void bench.station.desk.cancel(detail.summary.id)
    })
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    const halted = await bench.until(work, 'interrupted', 'done')
    expect(halted.summary).toMatchObject({ stage: 'interrupted', signedCount: 0 })
    expect(halted.files[0]).toMatchObject({ outcome: { kind: 'waiting' }, further: [{ outcome: { kind: 'made' } }] })
    expect(await bench.server.outputs(work)).toEqual([])
    await bench.restart()
    orThrow(await bench.station.desk.resume(bench.approval(detail)))
    expect(await bench.untilCompleted(work)).toBe('success')
    await bench.until(work, 'done')
    expect((await uses(detail.summary.id, 'intent')).map(({ fingerprint }) => fingerprint)).toEqual([
      neighbour.fingerprint,
      first.fingerprint,
    ])
    const { bytes } = await outputOf(work)
    expect(signersOf(folder, [first, neighbour], { mode: 'clear', bytes, text })).toEqual([
      first.fingerprint,
      neighbour.fingerprint,
    ])
  })

  /** As whoever has the file could: past the trigger, with a digest that fits. */
  function exchangePart(id: string, packet: Uint8Array): void {
    const file = new BetterSqlite3(bench.profile.database)
    const trigger = file
      .prepare<[], string>(`SELECT sql FROM sqlite_schema WHERE name = 'further_signature_forward'`)
      .pluck()
      .get()
    file.exec('DROP TRIGGER further_signature_forward')
    const exchanged = file
      .prepare(`UPDATE further_signature SET packet = ?, packet_sha256 = ? WHERE request_id = ?`)
      .run(packet, createHash('sha256').update(packet).digest('hex'), id)
    file.exec(String(trigger))
    file.close()
    expect(exchanged.changes).toBe(1)
  }
  function partWhere(condition: string, id: string): Uint8Array {
    const file = new BetterSqlite3(bench.profile.database, { readonly: true })
    const packet = file
      .prepare<[string], Buffer>(
        `SELECT packet FROM further_signature WHERE state = 'made' AND request_id ${condition} ?`,
      )
      .pluck()
      .get(id)
    file.close()
    if (packet === undefined) throw new Error('there is no such part')
    return packet
  }
  /** The same good signature, with words of somebody else where no signature covers them: a private subpacket that is not hashed. */
  function withForeignWords(part: Uint8Array): Uint8Array {
    const body = framedPackets(part)?.[0]?.body ?? new Uint8Array()
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
    const unhashed = 6 + view.getUint16(4)
    const end = unhashed + 2 + view.getUint16(unhashed)
    const words = subpacket(100, Buffer.from('read this'))
    const length = uint16(end - unhashed - 2 + words.length)
    return packet(
      packetTag.signature,
      concatBytes(body.subarray(0, unhashed), length, body.subarray(unhashed + 2, end), words, body.subarray(end)),
    )
  }

  test.each<[string, (id: string) => Uint8Array]>([
    ['for one of another index by the same key', (id) => partWhere('<>', id)],
    ['for itself with words that no signature covers', (id) => withForeignWords(partWhere('=', id))],
  ])('a part that was exchanged in the database while it waited is not released: %s', async (_, other) => {
    const work = await ask([first, neighbour], releaseOfToday())
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    let stopped = false
    bench.at('outcome', 'after', () => {
      if (stopped) return
      stopped = true
      void bench.station.desk.cancel(detail.summary.id)
    })
    orThrow(await bench.station.desk.approve(bench.approval(detail)))
    await bench.until(work, 'interrupted')
    exchangePart(detail.summary.id, other(detail.summary.id))
    orThrow(await bench.station.desk.resume(bench.approval(detail)))
    const halted = await bench.until(work, 'interrupted', 'done', 'returning')
    expect(halted.summary.stage).toBe('interrupted')
    expect(halted.failure?.code).toBe('part-changed')
    expect(await bench.server.outputs(work)).toEqual([])
    // The first key was not asked: its signature would have been spent.
    const failed = (await bench.entries('sign-failed')).filter((entry) => entry['requestId'] === detail.summary.id)
    expect(failed).toMatchObject([{ fingerprint: first.fingerprint, code: 'part-changed', signatureMayExist: false }])
    orThrow(await bench.station.desk.giveUp(detail.summary.id, 'the part is another'))
    expect(await bench.untilCompleted(work)).toBe('failure')
    await bench.until(work, 'done')
    expect((await bench.server.outputs(work)).map(({ category }) => category)).toEqual([
      'debusine:work-request-debug-logs',
    ])
  })

  test('a key whose rows were exchanged for those of another key signs nothing', async () => {
    // As whoever has the file could: the same fingerprint, with another key and that key's certificate behind it.
    const file = new BetterSqlite3(bench.profile.database)
    const names = { other: elsewhere.fingerprint, key: neighbour.fingerprint }
    const columns = 'spki_sha256, algorithm, private_key, token_manufacturer, token_model, token_serial, cka_id'
    const row = file.prepare<[string], object>(`SELECT ${columns} FROM signing_key WHERE fingerprint = ?`)
    const set = (values: object) =>
      file
        .prepare(
          `UPDATE signing_key SET ${columns
            .split(', ')
            .map((name) => `${name} = @${name}`)
            .join(', ')} WHERE fingerprint = @of`,
        )
        .run({ ...values, of: names.key })
    const before = row.get(names.key) ?? {}
    const triggers = file
      .prepare<[], { name: string; sql: string }>(
        `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('signing_key', 'openpgp_certificate')`,
      )
      .all()
    for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
    const { lastInsertRowid } = file
      .prepare(
        `INSERT INTO openpgp_certificate (purpose, fingerprint, signing_fingerprint, created, certificate, why, operator, at)
         SELECT purpose, @key, signing_fingerprint, created, certificate, why, operator, at
         FROM openpgp_certificate WHERE fingerprint = @other`,
      )
      .run(names)
    set(row.get(names.other) ?? {})
    try {
      const work = await ask([neighbour], releaseOfToday())
      const detail = await bench.until(work, 'review')
      expect(detail.approvability).toMatchObject({ kind: 'blocked', by: ['token-present'] })
      expect(detail.sheet?.checks.find(({ id }) => id === 'token-present')?.sentence).toContain('does not hold the key')
      orThrow(await bench.station.desk.decline(detail.summary.id, 'another key'))
      await bench.until(work, 'done')
    } finally {
      file.prepare('DELETE FROM openpgp_certificate WHERE id = ?').run(lastInsertRowid)
      set(before)
      for (const { sql } of triggers) file.exec(sql)
      file.close()
    }
  })

  /** As whoever has the file could: the private key of another behind a fingerprint, and its certificate left as it is. */
  async function withKeyBehind(print: string, other: string, act: () => Promise<void>): Promise<void> {
    const file = new BetterSqlite3(bench.profile.database)
    const columns = 'spki_sha256, cka_id, private_key'
    const rowOf = (of: string) =>
      file.prepare<[string], object>(`SELECT ${columns} FROM signing_key WHERE fingerprint = ?`).get(of) ?? {}
    const put = (row: object) =>
      file
        .prepare(`UPDATE signing_key SET (${columns}) = (@spki_sha256, @cka_id, @private_key) WHERE fingerprint = @of`)
        .run({ ...row, of: print })
    const names = ['signing_key_identity', 'signing_key_place']
    const triggers = names.map((name) =>
      file.prepare<[string], string>('SELECT sql FROM sqlite_schema WHERE name = ?').pluck().get(name),
    )
    for (const name of names) file.exec(`DROP TRIGGER ${name}`)
    const before = rowOf(print)
    try {
      put(rowOf(other))
      await act()
    } finally {
      put(before)
      for (const trigger of triggers) file.exec(String(trigger))
      file.close()
    }
  }

  test.each<[string, () => readonly Key[], string]>([
    ['that of one that signs beside it', () => [first, neighbour], 'key-twice'],
    ['that of one that no sheet shows', () => [neighbour], 'key-mismatch'],
  ])('a private key that was exchanged after the sheet was shown signs nothing: %s', async (_, keys, code) => {
    const work = await ask(keys(), releaseOfToday())
    const detail = await bench.until(work, 'review')
    await bench.showSheet(detail)
    await withKeyBehind(neighbour.fingerprint, first.fingerprint, async () => {
      expect(codeOf(await bench.station.desk.approve(bench.approval(detail)))).toBe(code)
      expect(await uses(detail.summary.id, 'intent')).toEqual([])
    })
    orThrow(await bench.station.desk.decline(detail.summary.id, 'another key'))
    await bench.until(work, 'done')
  })

  test('signed before by a key that stood second is signed before', async () => {
    const text = releaseOfToday()
    const both = await ask([first, neighbour], text)
    await bench.approve(both)
    await bench.until(both, 'done')
    const again = await ask([neighbour], text, 'detached')
    const detail = await bench.until(again, 'review')
    expect(detail.approvability).toMatchObject({ acknowledge: expect.arrayContaining(['signed-before']) })
    expect(createHash('sha256').update(text).digest('hex')).toBe(detail.sheet?.artifacts[0]?.files[0]?.sha256)
    orThrow(await bench.station.desk.decline(detail.summary.id, 'twice'))
    await bench.until(again, 'done')
  })

  test('an output that was exchanged in the database before it was returned is not returned', async () => {
    const earlier = await ask([first, neighbour], releaseOfToday())
    await bench.approve(earlier)
    await bench.until(earlier, 'done')
    const work = await ask([first, neighbour], releaseOfToday())
    const id = { at: '' }
    bench.at('upload', 'before', () => {
      if (id.at === '') return
      const file = new BetterSqlite3(bench.profile.database)
      const triggers = file
        .prepare<[], { name: string; sql: string }>(
          `SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'signature' AND sql LIKE '%BEFORE UPDATE%'`,
        )
        .all()
      for (const { name } of triggers) file.exec(`DROP TRIGGER ${name}`)
      const { changes } = file
        .prepare(
          `UPDATE signature SET (output, output_sha256) = (SELECT output, output_sha256 FROM signature WHERE request_id = ?) WHERE request_id = ?`,
        )
        .run(before, id.at)
      for (const { sql } of triggers) file.exec(sql)
      file.close()
      expect(changes).toBe(1)
      id.at = ''
    })
    const before = await bench.idOf(earlier)
    id.at = (await bench.until(work, 'review')).summary.id
    await bench.approve(work)
    await vi.waitFor(async () => expect((await bench.show(work)).failure?.code).toBe('output-not-there'), 20_000)
    expect((await bench.server.outputs(work)).map(({ category }) => category)).not.toContain('debian:repository-index')
  })
})
