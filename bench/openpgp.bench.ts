// 200 small texts clear-signed in one approved batch, from the open token session to the last outcome on disk, next to GnuPG with the same
// key through gnupg-pkcs11-scd, in one run: `node bench/openpgp.bench.ts`. Audit rows are durable, and openpgp.js verifies each message.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createStationDatabase } from '../db/create.ts'
import { createAuditLog } from '../src/main/audit/create-audit-log.ts'
import { makeCertificate } from '../src/main/openpgp/certificate.ts'
import { readClearText } from '../src/main/openpgp/clear-text.ts'
import { fingerprintHex, openPgpPublicKey } from '../src/main/openpgp/public-key.ts'
import { findRequest } from '../src/main/requests/request.repository.ts'
import { runSigning } from '../src/main/requests/signing-run.ts'
import { filesOfSheet } from '../src/main/requests/use-of-key.ts'
import { CleartextSigner } from '../src/main/signing/openpgp/cleartext.signer.ts'
import { createTokenService } from '../src/main/token/service.ts'
import { makeSoftToken, type SoftTokens } from '../src/main/token/testing/soft-token.ts'
import { hostEntry, open, referenceTo } from '../src/main/token/testing/token-bench.ts'
import { fingerprint, type Sha256Hex, sha256Hex } from '../src/shared/ids.ts'
import { noExpiry } from '../src/shared/no-expiry.ts'
import { approvedRequest } from './testing/approved-request.ts'

const pin = '123456'
const count = 200
const rounds = 5
const compared = 40
const limit = 3
// gnupg-pkcs11-scd knows RSA alone.
const kinds = ['rsa-2048', 'rsa-4096'] as const

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const hashOf = (bytes: Uint8Array): Sha256Hex => sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))

const directory = mkdtempSync(join(tmpdir(), 'openpgp-bench-'))

/** About two kilobytes each, as a .dsc is. */
const files = Array.from({ length: count }, (_, n) => {
  const lines = Array.from({ length: 40 }, (_, line) => ` ${hashOf(Buffer.from(`${n} ${line}`)).slice(0, 40)} pkg_${n}`)
  const bytes = Buffer.from(`Format: 3.0 (quilt)\nSource: package-${n}\nChecksums-Sha1:\n${lines.join('\n')}\n`)
  const path = join(directory, `${n}.dsc`)
  writeFileSync(path, bytes)
  const text = readClearText(bytes)
  if (!text.ok) throw new Error(text.error.code)
  return { path, size: bytes.length, sha256: hashOf(bytes), signed: hashOf(text.value.canonical) }
})

/** Seconds a file that GnuPG takes with the same key, logged in and warm. Null: its scdaemon is not installed. */
function gpgSeconds(soft: SoftTokens, ckaId: string): number | null {
  const daemon = '/usr/bin/gnupg-pkcs11-scd'
  if (!existsSync(daemon) || !existsSync('/usr/bin/gpg')) return null
  const home = join(directory, `gnupg-${ckaId}`)
  mkdirSync(home, { mode: 0o700 })
  writeFileSync(join(home, 'gpg-agent.conf'), `scdaemon-program ${daemon}\nallow-loopback-pinentry\n`)
  writeFileSync(join(home, 'gnupg-pkcs11-scd.conf'), `providers soft\nprovider-soft-library ${soft.module}\n`)
  const env = { PATH: '/usr/bin:/bin', HOME: home, GNUPGHOME: home, SOFTHSM2_CONF: soft.configuration, LC_ALL: 'C' }
  const run = (program: string, ...args: readonly string[]) => {
    const done = spawnSync(program, args, { env, encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`)
    return done.stdout
  }
  const unattended = ['--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', pin]
  try {
    const learnt = run('/usr/bin/gpg-connect-agent', 'SCD LEARN --force', '/bye')
    const grip = new RegExp(`KEYPAIRINFO ([0-9A-F]{40}) \\S*/${ckaId}\n`).exec(learnt)?.[1]
    if (grip === undefined) throw new Error(`gnupg-pkcs11-scd does not show the key: ${learnt}`)
    // Writes the stubs by which the agent finds its keys.
    run('/usr/bin/gpg', '--card-status')
    writeFileSync(
      join(home, 'parameters'),
      `Key-Type: RSA\nKey-Grip: ${grip}\nKey-Usage: sign,cert\nName-Real: Bench\nExpire-Date: 0\n%no-protection\n%commit\n`,
    )
    run('/usr/bin/gpg', ...unattended, '--full-generate-key', join(home, 'parameters'))
    const sign = (path: string) =>
      run('/usr/bin/gpg', ...unattended, '--digest-algo', 'SHA512', '--output', `${path}.asc`, '--clear-sign', path)
    for (const { path } of files.slice(0, 3)) sign(path)
    const start = performance.now()
    for (const { path } of files.slice(0, compared)) sign(path)
    return (performance.now() - start) / 1000 / compared
  } finally {
    spawnSync('/usr/bin/gpgconf', ['--kill', 'all'], { env })
  }
}

try {
  const soft = await makeSoftToken({
    directory,
    tokens: [{ label: 'bench', pin, keys: kinds.map((algorithm) => ({ algorithm, commonName: algorithm })) }],
  })
  const [token] = soft.tokens
  if (token === undefined) throw new Error('no token was made')
  const created = await createStationDatabase(join(directory, 'station.db'), async () => {})
  if (!created.ok) throw new Error(created.error.message)
  const station = created.value
  const audit = createAuditLog(station.db, () => new Date())
  const signer = new CleartextSigner()

  for (const [index, algorithm] of kinds.entries()) {
    let logins = 0
    let calls = 0
    const service = createTokenService({
      node: process.execPath,
      hostEntry,
      modules: [soft.module],
      serviceKeysFolder: directory,
      environment: { SOFTHSM2_CONF: soft.configuration },
      log: (event, fields) => {
        if (event !== 'token.call') return
        if (fields?.['op'] === 'open') logins += 1
        if (fields?.['op'] === 'sign') calls += Number(fields['calls'])
      },
    })
    const reference = referenceTo(token, index)
    const key = openPgpPublicKey(Buffer.from(token.keys[index]?.spkiBase64 ?? '', 'base64'), {
      version: 4,
      created: Math.floor(Date.now() / 1000) - 3600,
      ed25519: 'legacy',
    })
    if (key === null) throw new Error('no OpenPGP key')
    const making = await open(service, reference, pin)
    if (!making.ok) throw new Error(making.error.message)
    const made = await makeCertificate({
      primary: { key, sign: (request) => making.value.sign(request) },
      userId: 'Bench',
      created: key.created,
      expiresAfter: null,
      signingSubkey: null,
    })
    await making.value.close()
    if (!made.ok) throw new Error(made.error.message)
    logins = 0
    calls = 0

    const perFile: number[] = []
    for (let round = 0; round <= rounds; round += 1) {
      const request = await approvedRequest(station, {
        purpose: 'openpgp',
        fingerprint: fingerprint.parse(fingerprintHex(key)),
        certificate: {
          subject: 'Bench',
          issuer: 'Bench',
          serial: fingerprintHex(key),
          notBefore: new Date(key.created * 1000).toISOString(),
          notAfter: noExpiry,
          sha256: hashOf(made.value.certificate),
          algorithm,
          isCa: false,
          keyUsage: [],
          extendedKeyUsage: [],
          selfSigned: true,
        },
        files: files.map(({ size, sha256, signed }, ordinal) => ({
          path: `pkg/${ordinal}.dsc`,
          size,
          sha256,
          toBeSigned: { what: 'text as a clear-text signature reads it', digest: signed },
        })),
      })
      const opened = await open(service, reference, pin)
      if (!opened.ok) throw new Error(opened.error.message)
      const row = await findRequest(station.db, request.id)
      if (row === null) throw new Error('the request is not there')
      const start = performance.now()
      const end = await runSigning({
        db: station.db,
        log: () => {},
        context: {
          request: row,
          sheet: request.sheet,
          sheetDigest: request.digest,
          operator: 'bench',
          audit,
          now: () => new Date(),
        },
        files: filesOfSheet(request.sheet),
        session: opened.value,
        signer,
        certificate: { der: made.value.certificate, algorithm, openpgp: key },
        pathOf: (ordinal) => files[ordinal]?.path ?? '',
        signal: new AbortController().signal,
        onProgress: () => {},
      })
      const took = (performance.now() - start) / 1000
      await opened.value.close()
      if (end.kind !== 'finished') throw new Error(`the run ended as ${end.kind}: ${JSON.stringify(end)}`)
      // The first round warms up.
      if (round > 0) perFile.push(took / count)
    }
    await service.reset()
    const each = median(perFile)
    const peer = gpgSeconds(soft, token.keys[index]?.ckaId ?? '')
    process.stdout.write(
      [
        `${algorithm}, ${count} texts of 2 KiB clear-signed`,
        `${(each * 1000).toFixed(2)} ms a file`,
        peer === null
          ? 'gnupg-pkcs11-scd is not installed'
          : `${(peer / each).toFixed(1)} × gpg with gnupg-pkcs11-scd, ${(peer * 1000).toFixed(1)} ms a file (limit ${limit})`,
        `${(calls / count / (rounds + 1)).toFixed(2)} PKCS#11 calls a file (limit 3)`,
        `${(logins / (rounds + 1)).toFixed(0)} login a batch`,
      ].join('; ') + '\n',
    )
  }
  await station.close()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
