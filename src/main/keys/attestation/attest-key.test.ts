import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AttestationRecord } from '../../../shared/attestation.ts'
import type { Failure } from '../../../shared/failure.ts'
import { type Fingerprint, fingerprint } from '../../../shared/ids.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { TokenId } from '../../../shared/token.ts'
import { type AuditStation, auditStation } from '../../audit/testing/audit-station.ts'
import { trusted } from '../../pki/attestation/testing/attestation-bench.ts'
import {
  ca,
  type MadeCertificate,
  OpensslCertificates,
  objectExtensions,
  slotExtensions,
} from '../../pki/attestation/testing/openssl-certificates.ts'
import { tokenFailure } from '../../token/failures.ts'
import type { TokenAttestation, TokenFailure } from '../../token/token-service.ts'
import { insertKey } from '../key.repository.ts'
import { pkcs11Uri } from '../pkcs11-uri.ts'
import { type AttestationPorts, attestAgain, attestFromFiles } from './attest-key.ts'
import { listAttestations } from './attestation.repository.ts'
import { certificatesText } from './certificate-text.ts'
import { addRoots, listRoots, readOfferedRoots, withdrawRoot } from './operator-roots.ts'
import { readSources } from './read-files.ts'
import { attestationForSheet } from './sheet-attestation.ts'

const folder = mkdtempSync(join(tmpdir(), 'attest-key-'))
const made = new OpensslCertificates(folder)
afterAll(() => rmSync(folder, { recursive: true }))

const operator = 'Custodian'
const yubikey: TokenId = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '15732500' }
const yubihsm: TokenId = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '31650425' }
const yubikeyHome = { kind: 'token', token: yubikey, ckaId: '02', pkcs11Uri: '' } as const
// A day on: openssl's certificates begin with the second in which they are made.
const now = () => new Date(Date.now() + 86_400_000)

type Answer = Result<TokenAttestation, TokenFailure>
/** A token that gives what it is told to, and nothing else: the module and its process have tests of their own. */
const token = (answer: Answer) => ({ readAttestation: async () => answer })

describe('the attestation of a registered key', () => {
  let station: AuditStation
  let root: MadeCertificate
  let device: MadeCertificate
  let statement: MadeCertificate
  let object: MadeCertificate
  let count = 0
  beforeAll(() => {
    root = made.make({ commonName: 'Maker', issuer: null, extensions: [ca(1)] })
    device = made.make({ commonName: 'Yubico PIV Attestation', issuer: root, extensions: [ca(0)] })
    statement = made.make({
      commonName: 'YubiKey PIV Attestation 9c',
      issuer: device,
      extensions: slotExtensions({ policies: '0302' }),
    })
    object = made.make({
      commonName: 'YubiHSM Attestation id:0x7e57',
      issuer: device,
      extensions: objectExtensions({ origin: '03020002' }),
      key: statement,
    })
  })
  beforeEach(async () => {
    station = await auditStation(join(folder, `${count++}.db`))
  })
  afterEach(() => station.close())

  const ports = (answer: Answer, roots = [trusted(root)]): AttestationPorts => ({
    db: station.db,
    audit: station.log,
    tokens: token(answer),
    shippedRoots: roots,
    now,
  })
  const given = (): Answer => ok({ statement: statement.der, device: device.der })
  const events = async () =>
    (await station.db.selectFrom('audit_entry').select('entry').orderBy('seq').execute()).map(
      ({ entry }): Readonly<Record<string, unknown>> => JSON.parse(Buffer.from(entry).toString('utf8')), // our own log
    )
  const verdictOf = (result: Result<AttestationRecord, Failure>) => (result.ok ? result.value.verdict : result.error)

  async function registered(id: TokenId = yubikey, ckaId = '02') {
    const certificate = made.make({ commonName: 'Signer', issuer: null, extensions: [ca(null)], key: statement })
    const print: Fingerprint = fingerprint.parse(
      new X509Certificate(certificate.der).fingerprint256.replaceAll(':', ''),
    )
    const at = now().toISOString()
    await station.db.transaction().execute((trx) =>
      insertKey(trx, {
        purpose: 'uefi',
        fingerprint: print,
        private_key: JSON.stringify({ storage: 'pkcs11-static', pkcs11_uri: pkcs11Uri(id, ckaId) }),
        public_key: readFileSync(certificate.certificateFile),
        created_at: at,
        updated_at: at,
        description: 'Signer',
        state: 'active',
        production: 1,
        origin: 'generated',
        algorithm: 'ec-p256',
        spki_sha256: 'ab'.repeat(32),
        token_manufacturer: id.manufacturer,
        token_model: id.model,
        token_serial: id.serial,
        cka_id: ckaId,
      }),
    )
    return { purpose: 'uefi', fingerprint: print }
  }

  test('is read from the token, checked, and kept with its entry in the log', async () => {
    const name = await registered()
    const attested = await attestAgain(ports(given()), name, operator)
    expect(verdictOf(attested)).toMatchObject({
      kind: 'verified',
      facts: { slot: '9c', pinPolicy: 'always', touchPolicy: 'always' },
    })
    const digests = [statement, device, root].map(({ der }) =>
      new X509Certificate(der).fingerprint256.replaceAll(':', '').toLowerCase(),
    )
    expect(await events()).toMatchObject([
      {
        event: 'key-attested',
        ...name,
        tokenSerial: '15732500',
        source: 'token',
        verdict: { kind: 'verified', root: { name: 'CN=Maker' } },
        certificates: digests,
        operator,
      },
    ])
    expect(await listAttestations(station.db)).toEqual([attested.ok && attested.value])
    expect(attested.ok && attested.value.certificatesPem).toBe(certificatesText([statement.der, device.der, root.der]))
  })

  test('that failed once stays beside every later one, and on every review sheet', async () => {
    const name = await registered()
    const onSheet = () => attestationForSheet(station.db, { ...name, purpose: 'uefi', home: yubikeyHome })
    expect(await onSheet()).toEqual({ result: 'none', root: null, failedBefore: false, seq: null })
    const imitation = made.make({ commonName: 'Maker', issuer: null, extensions: [ca(1)] })
    expect(verdictOf(await attestAgain(ports(given(), [trusted(imitation)]), name, operator))).toMatchObject({
      kind: 'failed',
      fault: 'signature-wrong',
    })
    expect(await onSheet()).toEqual({ result: 'failed', root: null, failedBefore: false, seq: 1 })
    expect(verdictOf(await attestAgain(ports(given()), name, operator))).toMatchObject({ kind: 'verified' })
    expect((await listAttestations(station.db)).map(({ verdict }) => verdict.kind)).toEqual(['verified', 'failed'])
    const root = { name: 'CN=Maker', source: 'operator' }
    expect(await onSheet()).toEqual({ result: 'generated', root, failedBefore: true, seq: 2 })
    expect(await attestationForSheet(station.db, { ...name, purpose: 'uefi', home: { kind: 'software' } })).toBeNull()
    await expect(station.db.deleteFrom('key_attestation').where('kind', '=', 'failed').execute()).rejects.toThrow(
      'never deleted',
    )
  })

  test.each([
    [
      'a key that was imported into a YubiKey',
      yubikey,
      ok({ statement: null, device: null }),
      'not-offered',
      'no-statement-for-key',
    ],
    [
      'a token of somebody else',
      { ...yubikey, model: 'SoftHSM v2' },
      ok({ statement: null, device: null }),
      'not-offered',
      'other-device',
    ],
    [
      'a YubiKey behind OpenSC',
      { manufacturer: 'piv_II', model: 'PKCS#15 emulated', serial: '0' },
      ok({ statement: null, device: null }),
      'not-offered',
      'module-shows-none',
    ],
  ] as const)('is recorded as absent for %s', async (_name, id, answer, kind, why) => {
    const name = await registered(id)
    expect(verdictOf(await attestAgain(ports(answer), name, operator))).toEqual({ kind, why })
    expect(await listAttestations(station.db)).toMatchObject([{ verdict: { kind, why }, certificatesPem: '' }])
    expect(await events()).toMatchObject([{ event: 'key-attested', verdict: { kind, why }, certificates: [] }])
  })

  test('is not recorded when the token could not be asked: what it attested before stands', async () => {
    const name = await registered()
    await attestAgain(ports(given()), name, operator)
    const gone = ports(err(tokenFailure('token-absent')))
    expect(verdictOf(await attestAgain(gone, name, operator))).toMatchObject({ code: 'token-not-read' })
    expect((await listAttestations(station.db)).map(({ verdict }) => verdict.kind)).toEqual(['verified'])
  })

  test('of a YubiHSM is not asked of the token', async () => {
    const name = await registered(yubihsm, '7e57')
    expect(verdictOf(await attestAgain(ports(given()), name, operator))).toMatchObject({ code: 'attestation-in-files' })
    expect(await events()).toEqual([])
  })

  test('of a YubiKey whose certificate in F9 is gone is incomplete', async () => {
    const name = await registered()
    const answer = ok({ statement: statement.der, device: null })
    expect(verdictOf(await attestAgain(ports(answer), name, operator))).toMatchObject({
      kind: 'chain-incomplete',
      lacks: 'CN=Yubico PIV Attestation',
    })
  })

  test('of a YubiHSM is taken from files in any order, and says that the key was imported', async () => {
    const name = await registered(yubihsm, '7e57')
    const roots = [trusted(root, { devices: ['yubihsm'] })]
    const files = [device.der, readFileSync(object.certificateFile, 'utf8')]
    const attested = await attestFromFiles(ports(ok({ statement: null, device: null }), roots), name, {
      files,
      operator,
    })
    expect(verdictOf(attested)).toMatchObject({ kind: 'verified', facts: { origin: ['imported'], label: 'boot' } })
    expect(await events()).toMatchObject([{ event: 'key-attested', source: 'files' }])
    const home = { ...yubikeyHome, token: yubihsm, ckaId: '7e57' }
    expect(await attestationForSheet(station.db, { ...name, purpose: 'uefi', home })).toMatchObject({
      result: 'imported',
    })
  })

  test('from the files of another key is recorded as that', async () => {
    const name = await registered(yubihsm, '7e57')
    const other = made.make({ commonName: 'x', issuer: device, extensions: objectExtensions() })
    const attested = await attestFromFiles(ports(given()), name, { files: [other.der, device.der], operator })
    expect(verdictOf(attested)).toMatchObject({ kind: 'failed', fault: 'another-key' })
  })

  test('is not taken from a file with a private key, whatever it calls itself: nothing of it is kept', async () => {
    const name = await registered()
    const der = createPrivateKey(readFileSync(statement.keyFile)).export({ format: 'der', type: 'pkcs8' })
    for (const files of [[der], [statement.der, certificatesText([der])], [readFileSync(statement.keyFile)]])
      expect(verdictOf(await attestFromFiles(ports(given()), name, { files, operator }))).toMatchObject({
        code: 'no-certificates',
      })
    expect(await events()).toEqual([])
    expect(await listAttestations(station.db)).toEqual([])
  })

  test('is not recorded for files without a certificate, for a key that is not registered, or one in software', async () => {
    const name = await registered()
    for (const files of [['no certificate'], [], [statement.der, 'nothing']])
      expect(verdictOf(await attestFromFiles(ports(given()), name, { files, operator }))).toMatchObject({
        code: 'no-certificates',
      })
    const unknown = { purpose: 'uefi', fingerprint: fingerprint.parse('AB'.repeat(32)) }
    expect(verdictOf(await attestAgain(ports(given()), unknown, operator))).toMatchObject({
      code: 'key-not-registered',
    })
    expect(await events()).toEqual([])
    expect(await listAttestations(station.db)).toEqual([])
  })

  test.each([
    ['a better verdict', `verdict = replace(verdict, 'signature-wrong', 'expired')`],
    ['another source', `source = 'files'`],
    ['another operator', `operator = 'Somebody'`],
    ['other certificates', `certificates = (SELECT certificates FROM key_attestation WHERE id = 2)`],
    ['another entry of the log', 'audit_seq = 3'],
  ])('that was given %s in the database is told from what the log says', async (_name, change) => {
    const name = await registered()
    const imitation = made.make({ commonName: 'Maker', issuer: null, extensions: [ca(1)] })
    await attestAgain(ports(given(), [trusted(imitation)]), name, operator)
    await attestAgain(ports(given()), name, operator)
    await station.write({ event: 'duty-changed', onDuty: true, operator })
    const [, first] = await listAttestations(station.db)
    expect(first?.verdict).toMatchObject({ fault: 'signature-wrong' })
    // Whoever can write the file can take the trigger away.
    await sql.raw('DROP TRIGGER key_attestation_no_update').execute(station.db)
    await sql.raw(`UPDATE key_attestation SET ${change} WHERE id = 1`).execute(station.db)
    expect((await listAttestations(station.db)).map(({ verdict }) => verdict)).toMatchObject([
      { kind: 'verified' },
      { kind: 'failed', fault: 'not-as-logged', facts: null },
    ])
  })

  test('is not recorded when the log cannot take its entry', async () => {
    const name = await registered()
    await station.db.schema.alterTable('audit_entry').renameTo('hidden').execute()
    await expect(attestAgain(ports(given()), name, operator)).rejects.toThrow()
    await station.db.schema.alterTable('hidden').renameTo('audit_entry').execute()
    expect(await listAttestations(station.db)).toEqual([])
  })

  test('ends at a root that the operator added, after its digest was confirmed, until it is withdrawn', async () => {
    const name = await registered()
    const noRoots = ports(given(), [])
    expect(verdictOf(await attestAgain(noRoots, name, operator))).toMatchObject({ kind: 'chain-incomplete' })
    const pem = readFileSync(root.certificateFile, 'utf8')
    const offered = readOfferedRoots([pem])
    const [shown] = offered.ok ? offered.value : []
    if (shown === undefined) throw new Error('nothing was offered')
    expect(shown).toMatchObject({ name: 'CN=Maker', role: 'root' })
    const wanted = { sources: [pem], device: 'yubikey-piv', confirmed: [shown.sha256] } as const
    // Another file behind the same path by now.
    const another = made.make({ commonName: 'Maker', issuer: null, extensions: [ca(1)] })
    expect(await addRoots(noRoots, { ...wanted, sources: [another.der] }, operator)).toMatchObject({
      error: { code: 'roots-changed' },
    })
    expect(await addRoots(noRoots, wanted, operator)).toEqual(ok(null))
    expect(await addRoots(noRoots, wanted, operator)).toMatchObject({ error: { code: 'root-known' } })
    expect(await listRoots(noRoots)).toMatchObject([
      { ...shown, device: ['yubikey-piv'], source: 'operator', addedBy: operator },
    ])
    expect(verdictOf(await attestAgain(noRoots, name, operator))).toMatchObject({
      kind: 'verified',
      root: { name: 'CN=Maker', source: 'operator' },
    })
    const of = { sha256: shown.sha256, device: 'yubikey-piv' } as const
    expect(await withdrawRoot(noRoots, of, operator)).toEqual(ok(null))
    expect(await withdrawRoot(noRoots, of, operator)).toMatchObject({ error: { code: 'root-unknown' } })
    expect(verdictOf(await attestAgain(noRoots, name, operator))).toMatchObject({ kind: 'chain-incomplete' })
    expect((await events()).map((entry) => entry['event'])).toEqual([
      'key-attested',
      'attestation-root-added',
      'key-attested',
      'attestation-root-withdrawn',
      'key-attested',
    ])
  })

  test('never ends at what may not certify', () => {
    for (const source of [statement.der, 'no certificate', Buffer.from('3000', 'hex')])
      expect(readOfferedRoots([source])).toMatchObject({ error: { code: 'no-issuer-certificate' } })
  })
})

test('files are read when they are small and regular, and nothing is said of what they hold', async () => {
  const path = join(folder, 'small.pem')
  writeFileSync(path, 'a secret\n')
  writeFileSync(join(folder, 'large'), Buffer.alloc(65_537))
  expect(await readSources({ text: ' ', paths: [path] })).toEqual(ok([Buffer.from('a secret\n')]))
  for (const paths of [['/nowhere/at/all'], [folder], ['/dev/zero'], [join(folder, 'large')]])
    expect(await readSources({ text: '', paths })).toMatchObject({ error: { code: 'file-not-read' } })
  expect(await readSources({ text: '', paths: [] })).toMatchObject({ error: { code: 'no-certificates' } })
})
