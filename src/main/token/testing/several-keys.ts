import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '../../../shared/ids.ts'
import { sealPrivateKey } from '../../keys/software/sealed-record.ts'
import { generateServiceKey } from '../../keys/software/service-keys.ts'
import type { KeyReference, SigningSession } from '../token-service.ts'
import { codeOf, type openAll, requestsFor } from './token-bench.ts'

/** The sessions, or a failed test. */
export async function all(opened: ReturnType<typeof openAll>['opened']): Promise<readonly SigningSession[]> {
  const result = await opened
  if (!result.ok) throw new Error(`${result.error.code} at ${result.error.position}: ${result.error.detail}`)
  return result.value
}

export async function refusal(opened: ReturnType<typeof openAll>['opened']): Promise<unknown> {
  const result = await opened
  return result.ok ? 'opened' : [result.error.code, result.error.position]
}

export async function signWithEach(sessions: readonly SigningSession[], keys: readonly KeyReference[], count: number) {
  const outcomes: string[][] = []
  for (const [index, session] of sessions.entries())
    outcomes.push((await session.signMany(requestsFor(keys[index] ?? fail(), count))).map(codeOf))
  return outcomes
}

export function isWiped({ pin }: ReturnType<typeof openAll>['pins'][number]): boolean {
  return pin.reveal().every((byte) => byte === 0)
}

export function onToken(
  key: KeyReference,
  change: { serial?: string; manufacturer?: string; model?: string },
): KeyReference {
  return key.home.kind === 'token' ? { ...key, home: { ...key.home, token: { ...key.home.token, ...change } } } : key
}

export function withId(key: KeyReference, ckaId: string): KeyReference {
  return key.home.kind === 'token' ? { ...key, home: { ...key.home, ckaId } } : key
}

export function sealedKey(folder: string): KeyReference {
  mkdirSync(folder)
  const servicePublicKey = generateServiceKey(join(folder, 'a.key'))
  if (!servicePublicKey.ok) throw new Error(servicePublicKey.error.message)
  const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' })
  return {
    home: { kind: 'software' },
    algorithm: 'ec-p256',
    spkiSha256: sha256Hex.parse(createHash('sha256').update(spki).digest('hex')),
    sealed: sealPrivateKey(
      Buffer.from(pair.privateKey.export({ type: 'pkcs8', format: 'pem' })),
      servicePublicKey.value,
    ),
  }
}

/** Children of this test that run a token process. */
export function tokenProcesses(): readonly number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  return children.filter((child) => child !== '' && commandOf(child).includes('token/host/index.ts')).map(Number)
}

export function newProcesses(before: readonly number[]): readonly number[] {
  return tokenProcesses().filter((each) => !before.includes(each))
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    // It ended meanwhile.
    return ''
  }
}

export function fail(): never {
  throw new Error('not there')
}
