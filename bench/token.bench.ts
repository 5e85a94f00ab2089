// How many signatures a second come out of a session, next to the PKCS#11 module alone in this process: `node bench/token.bench.ts`.
// The session adds a process, a message for each signature and the check with the registered public key.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pkcs11js from 'pkcs11js'
import { sha256DigestInfo } from '../src/main/asn1/signature-value.ts'
import { createTokenService } from '../src/main/token/service.ts'
import { makeSoftToken, type SoftToken, type SoftTokens } from '../src/main/token/testing/soft-token.ts'
import { hostEntry, open, referenceTo, requestsFor } from '../src/main/token/testing/token-bench.ts'

const pin = '123456'
const rounds = 15
const kinds = [
  { algorithm: 'rsa-2048', each: 200 },
  { algorithm: 'rsa-4096', each: 60 },
] as const

/** Signatures per second of `C_SignInit` and `C_Sign`, called here. */
function rawRate(lib: pkcs11js.PKCS11, session: Buffer, key: Buffer, digests: readonly Uint8Array[]): number {
  const output = Buffer.alloc(512)
  const start = performance.now()
  for (const digest of digests) {
    lib.C_SignInit(session, { mechanism: pkcs11js.CKM_RSA_PKCS }, key)
    lib.C_Sign(session, Buffer.from(sha256DigestInfo(digest)), output)
  }
  return (digests.length * 1000) / (performance.now() - start)
}

function openRaw(soft: SoftTokens): { readonly lib: pkcs11js.PKCS11; readonly session: Buffer } {
  process.env['SOFTHSM2_CONF'] = soft.configuration
  const lib = new pkcs11js.PKCS11()
  lib.load(soft.module)
  lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
  const slot = lib.C_GetSlotList(true).find((candidate) => lib.C_GetTokenInfo(candidate).label.trim() === 'bench')
  if (slot === undefined) throw new Error('the token is not there')
  const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION)
  lib.C_Login(session, pkcs11js.CKU_USER, pin)
  return { lib, session }
}

function findRaw(lib: pkcs11js.PKCS11, session: Buffer, ckaId: string): Buffer {
  lib.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_ID, value: Buffer.from(ckaId, 'hex') },
  ])
  const key = lib.C_FindObjects(session, 1)[0]
  lib.C_FindObjectsFinal(session)
  if (key === undefined) throw new Error('the key is not there')
  return key
}

/** Processor time of this process's children so far, in milliseconds (proc(5): utime and stime in ticks of 10 ms). */
function childrenCpu(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children.reduce((sum, child) => {
    const fields = readFileSync(`/proc/${child}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    return sum + (Number(fields[11]) + Number(fields[12])) * 10
  }, 0)
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

async function measure(soft: SoftTokens, token: SoftToken, index: number, each: number): Promise<void> {
  const calls: { readonly op?: unknown; readonly calls?: unknown }[] = []
  const service = createTokenService({
    node: process.execPath,
    hostEntry,
    modules: [soft.module],
    serviceKeysFolder: soft.tokenFolder,
    environment: { SOFTHSM2_CONF: soft.configuration },
    log: (event, fields) => {
      if (event === 'token.call' && fields !== undefined) calls.push(fields)
    },
  })
  const reference = referenceTo(token, index)
  const opened = await open(service, reference, pin)
  if (!opened.ok) throw new Error(opened.error.message)
  const { lib, session } = openRaw(soft)
  const key = findRaw(lib, session, token.keys[index]?.ckaId ?? '')
  const raw: number[] = []
  const many: number[] = []
  const single: number[] = []
  // Processor time a signature, which a busy machine does not change much.
  const cpu = { raw: 0, host: 0, main: 0 }
  // In turns, so that a busy moment of the machine hits all alike; the first round warms up.
  for (let round = 0; round <= rounds; round += 1) {
    const requests = requestsFor(reference, each)
    const before = [ownCpu(), childrenCpu()] as const
    const rawPerSecond = rawRate(
      lib,
      session,
      key,
      requests.map(({ digest }) => digest),
    )
    const between = [ownCpu(), childrenCpu()] as const
    let start = performance.now()
    const outcomes = await opened.value.signMany(requests)
    const manyPerSecond = (each * 1000) / (performance.now() - start)
    if (outcomes.length !== each || outcomes.some(({ ok }) => !ok)) throw new Error('a signature failed')
    const after = [ownCpu(), childrenCpu()] as const
    const few = requests.slice(0, Math.ceil(each / 5))
    start = performance.now()
    for (const request of few) await opened.value.sign(request)
    const singlePerSecond = (few.length * 1000) / (performance.now() - start)
    if (round > 0) {
      cpu.raw += between[0] - before[0]
      cpu.main += after[0] - between[0]
      cpu.host += after[1] - between[1]
      raw.push(rawPerSecond)
      many.push(manyPerSecond)
      single.push(singlePerSecond)
    }
  }
  lib.C_Finalize()
  await opened.value.close()
  await service.reset()
  const [r, m, s] = [median(raw), median(many), median(single)]
  const signCalls = calls.filter(({ op }) => op === 'sign').reduce((sum, { calls }) => sum + Number(calls), 0)
  const signatures = (rounds + 1) * (each + Math.ceil(each / 5))
  const perSignature = (total: number) => (total / (rounds * each)).toFixed(3)
  process.stdout.write(
    `${reference.algorithm}: module alone ${r.toFixed(0)}/s; signMany ${m.toFixed(0)}/s (${(m / r).toFixed(2)}); ` +
      `sign one by one ${s.toFixed(0)}/s (${(s / r).toFixed(2)}); ${(signCalls / signatures).toFixed(2)} PKCS#11 calls a signature; processor ms a signature: module alone ${perSignature(cpu.raw)}, token process ${perSignature(cpu.host)}, main ${perSignature(cpu.main)}\n`,
  )
}

const directory = mkdtempSync(join(tmpdir(), 'token-rates-'))
try {
  const keys = kinds.map(({ algorithm }) => ({ algorithm }))
  const soft = await makeSoftToken({ directory, tokens: [{ label: 'bench', pin, keys }] })
  const [token] = soft.tokens
  if (token === undefined) throw new Error('no token was made')
  for (const [index, { each }] of kinds.entries()) await measure(soft, token, index, each)
} finally {
  rmSync(directory, { recursive: true })
}
