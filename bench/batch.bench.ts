// One approved batch of 200 EFI files, from the open token session to the last outcome on disk, next to the PKCS#11 module alone
// and to `sbsign --engine pkcs11`, in one run: `node bench/batch.bench.ts`. Audit rows are durable (WAL, synchronous=FULL).
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import pkcs11js from 'pkcs11js'
import { createStationDatabase } from '../db/create.ts'
import { buildPe } from '../e2e/workbench/pe-files.ts'
import { sha256DigestInfo } from '../src/main/asn1/signature-value.ts'
import type { AuditLog } from '../src/main/audit/audit-log.ts'
import { createAuditLog } from '../src/main/audit/create-audit-log.ts'
import { createEntryIndexer } from '../src/main/audit/entry-index.ts'
import { Digester } from '../src/main/digest/digester.ts'
import { readCertificate } from '../src/main/pki/x509.ts'
import { findRequest } from '../src/main/requests/request.repository.ts'
import { runSigning } from '../src/main/requests/signing-run.ts'
import { filesOfSheet } from '../src/main/requests/use-of-key.ts'
import { authenticodeSha256 } from '../src/main/signing/pe/authenticode.ts'
import { PeSigner } from '../src/main/signing/pe/pe.signer.ts'
import { readPeHeaders } from '../src/main/signing/pe/pe-headers.ts'
import { layOut } from '../src/main/signing/pe/pe-layout.ts'
import { createTokenService } from '../src/main/token/service.ts'
import { makeSoftToken, type SoftTokens } from '../src/main/token/testing/soft-token.ts'
import { hostEntry, open, referenceTo } from '../src/main/token/testing/token-bench.ts'
import { fingerprint, type Sha256Hex, sha256Hex } from '../src/shared/ids.ts'
import { approvedRequest } from './testing/approved-request.ts'

const pin = '123456'
const count = 200
const rounds = 9
/**
 * Bytes of the code section. All are measured, because the ratio depends on it: the module alone hashes nothing. 61 KiB is as small as
 * Debian's signed loaders get (fwupdx64.efi); 142 KiB is the median of the unsigned ones in its packages.
 */
const textSizes = [60 * 1024, 96 * 1024, 144 * 1024]
const compared = 10
const kinds = ['rsa-2048', 'rsa-4096'] as const
const limits = { 'rsa-2048': 0.6, 'rsa-4096': 0.85 } as const

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const hashOf = (bytes: Uint8Array): Sha256Hex => sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))

function certificateOf(pem: string) {
  const read = readCertificate(pem)
  if (!read.ok) throw new Error(read.error.message)
  return read.value
}

interface EfiFile {
  readonly path: string
  readonly size: number
  readonly sha256: Sha256Hex
  readonly authenticode: Sha256Hex
}

function makeFiles(directory: string, textBytes: number): EfiFile[] {
  return Array.from({ length: count }, (_, n) => {
    const bytes = buildPe(n, textBytes)
    const path = join(directory, `${n}.efi`)
    writeFileSync(path, bytes)
    const headers = readPeHeaders(bytes, bytes.length)
    if (!headers.ok) throw new Error(headers.error.message)
    return {
      path,
      size: bytes.length,
      sha256: hashOf(bytes),
      authenticode: sha256Hex.parse(authenticodeSha256(bytes, layOut(headers.value))),
    }
  })
}

/** Seconds for `count` signatures by the module alone. */
function rawSeconds(lib: pkcs11js.PKCS11, session: Buffer, key: Buffer, files: readonly EfiFile[]): number {
  const output = Buffer.alloc(512)
  const start = performance.now()
  for (const file of files) {
    lib.C_SignInit(session, { mechanism: pkcs11js.CKM_RSA_PKCS }, key)
    lib.C_Sign(session, Buffer.from(sha256DigestInfo(Buffer.from(file.sha256, 'hex'))), output)
  }
  return (performance.now() - start) / 1000
}

function sbsignSeconds(
  soft: SoftTokens,
  serial: string,
  ckaId: string,
  certificatePath: string,
  files: readonly EfiFile[],
): number | null {
  if (!existsSync('/usr/bin/sbsign')) return null
  const start = performance.now()
  for (const file of files.slice(0, compared)) {
    const uri = `pkcs11:serial=${serial};id=%${ckaId};type=private?pin-value=${pin}`
    const signed = spawnSync(
      '/usr/bin/sbsign',
      [
        '--engine',
        'pkcs11',
        '--key',
        uri,
        '--cert',
        certificatePath,
        '--detached',
        '--output',
        `${file.path}.peer.sig`,
        file.path,
      ],
      {
        env: { SOFTHSM2_CONF: soft.configuration, PKCS11_MODULE_PATH: soft.module, PATH: '/usr/bin:/bin' },
      },
    )
    if (signed.status !== 0) throw new Error(`sbsign: ${signed.stderr.toString()}`)
  }
  return (performance.now() - start) / 1000 / compared
}

const directory = mkdtempSync(join(tmpdir(), 'batch-'))
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
  const log = createAuditLog(station.db, () => new Date())
  const index = createEntryIndexer(station.db, (error) => {
    throw error
  })
  // As in the station: a run that is long pays for what its entries are found by.
  const audit: AuditLog = {
    ...log,
    append: async (trx, entries) => {
      const seqs = await log.append(trx, entries)
      index.touch(seqs.length)
      return seqs
    },
  }
  const digester = new Digester(new URL('../src/main/digest/hash-worker.ts', import.meta.url))
  const signer = new PeSigner(digester)
  process.env['SOFTHSM2_CONF'] = soft.configuration
  const lib = new pkcs11js.PKCS11()
  lib.load(soft.module)
  lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
  const slot = lib.C_GetSlotList(true).find((candidate) => lib.C_GetTokenInfo(candidate).label.trim() === 'bench')
  if (slot === undefined) throw new Error('the token is not there')
  const rawSession = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION)
  lib.C_Login(rawSession, pkcs11js.CKU_USER, pin)

  for (const [textBytes, index, algorithm] of textSizes.flatMap((size) =>
    kinds.map((kind, at) => [size, at, kind] as const),
  )) {
    const files = makeFiles(directory, textBytes)
    const key = token.keys[index]
    if (key?.certificatePem == null || key.certificatePath === null) throw new Error('the key has no certificate')
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
    lib.C_FindObjectsInit(rawSession, [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      { type: pkcs11js.CKA_ID, value: Buffer.from(key.ckaId, 'hex') },
    ])
    const [handle] = lib.C_FindObjects(rawSession, 1)
    lib.C_FindObjectsFinal(rawSession)
    if (handle === undefined) throw new Error('the key is not there')

    const ratios: number[] = []
    const perFile: number[] = []
    const cpuPerFile: number[] = []
    let stall = 0
    for (let round = 0; round <= rounds; round += 1) {
      const { facts, der } = certificateOf(key.certificatePem)
      const request = await approvedRequest(station, {
        purpose: 'uefi',
        fingerprint: fingerprint.parse(createHash('sha256').update(der).digest('hex').toUpperCase()),
        certificate: facts,
        files: files.map(({ size, sha256, authenticode }, ordinal) => ({
          path: `pkg/${ordinal}.efi`,
          size,
          sha256,
          toBeSigned: { what: 'Authenticode digest of the PE image', digest: authenticode },
        })),
      })
      const raw = rawSeconds(lib, rawSession, handle, files)
      const opened = await open(service, referenceTo(token, index), pin)
      if (!opened.ok) throw new Error(opened.error.message)
      const row = await findRequest(station.db, request.id)
      if (row === null) throw new Error('the request is not there')
      const delay = monitorEventLoopDelay({ resolution: 1 })
      delay.enable()
      const cpu = process.cpuUsage()
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
        certificate: { der, algorithm },
        pathOf: (ordinal) => files[ordinal]?.path ?? '',
        signal: new AbortController().signal,
        onProgress: () => {},
      })
      const ours = (performance.now() - start) / 1000
      delay.disable()
      const used = process.cpuUsage(cpu)
      await opened.value.close()
      if (end.kind !== 'finished') throw new Error(`the run ended as ${end.kind}: ${JSON.stringify(end)}`)
      // The first round warms up.
      if (round === 0) continue
      ratios.push(raw / ours)
      perFile.push(ours / count)
      cpuPerFile.push((used.user + used.system) / 1000 / count)
      stall = Math.max(stall, delay.max / 1e6)
    }
    const peer = sbsignSeconds(soft, token.id.serial, key.ckaId, key.certificatePath, files)
    await service.reset()
    const ratio = median(ratios)
    const each = median(perFile)
    process.stdout.write(
      [
        `${algorithm}, ${count} files of ${Math.round((files[0]?.size ?? 0) / 1024)} KiB`,
        `${(each * 1000).toFixed(2)} ms a file`,
        `main’s own CPU ${median(cpuPerFile).toFixed(2)} ms a file`,
        `${ratio.toFixed(2)} of the module alone (limit ${limits[algorithm]}; rounds ${ratios.map((value) => value.toFixed(2)).join(' ')})`,
        peer === null ? 'sbsign is not installed' : `${(peer / each).toFixed(1)} × sbsign --engine pkcs11 (limit 6)`,
        `${(calls / count / (rounds + 1)).toFixed(2)} PKCS#11 calls a file (limit 3)`,
        `${(logins / (rounds + 1)).toFixed(0)} login a batch`,
        `longest stall of the event loop ${stall.toFixed(0)} ms (limit 50)`,
      ].join('; ') + '\n',
    )
  }
  lib.C_Finalize()
  await digester.close()
  await index.close()
  await station.close()
  const rows = readFileSync(join(directory, 'station.db')).length
  process.stdout.write(
    `database after ${(rounds + 1) * kinds.length * textSizes.length} batches: ${(rows / 1024 / 1024).toFixed(1)} MiB\n`,
  )
} finally {
  rmSync(directory, { recursive: true, force: true })
}
