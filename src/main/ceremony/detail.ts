import type { CeremonyDetail, CeremonyPlan, CeremonyRecord } from '../../shared/ceremony.ts'
import type { Failure } from '../../shared/failure.ts'
import { pgpWords } from '../../shared/pgp-words.ts'
import { err, ok } from '../../shared/result.ts'
import { listKeys } from '../keys/key.repository.ts'
import { readCertificate } from '../pki/x509.ts'
import { ceremonyKeyOf } from './acts/key-evidence.ts'
import { digestFor } from './acts/look.ts'
import type { StoredCeremony } from './ceremony.repository.ts'
import type { CeremonyPorts } from './ports.ts'
import { stepNow, stepStates } from './progress.ts'

export function plain(ceremony: StoredCeremony): readonly CeremonyRecord[] {
  return ceremony.records.map(({ record }) => record)
}

/** What a window is shown. */
export async function detailOf(ports: CeremonyPorts, ceremony: StoredCeremony): Promise<CeremonyDetail> {
  const { summary, plan } = ceremony
  const records = plain(ceremony)
  const steps = stepStates(plan.script, records)
  const now = summary.state === 'open' ? stepNow(steps) : null
  const step = now === null ? undefined : plan.script.steps[now]
  const all = [...(await existingKeyRecords(ports, plan)), ...records]
  const digest =
    step?.kind === 'confirm-words'
      ? await digestFor({ ports, step, records: all, scriptSha256: plan.scriptSha256 })
      : null
  return {
    summary,
    plan,
    steps,
    now,
    words: digest?.ok === true ? pgpWords(digest.value.hex) : null,
    records: [...records],
  }
}

/** The keys that the script names by their fingerprints, as if a step had brought them. */
export async function existingKeyRecords(ports: CeremonyPorts, plan: CeremonyPlan): Promise<readonly CeremonyRecord[]> {
  const keys = await existingKeys(ports, plan)
  if (!keys.ok) return []
  return keys.value.map((key, index) => ({
    event: 'ceremony-step-ended',
    n: index + 1,
    at: '1970-01-01T00:00:00.000Z',
    operator: '',
    step: '',
    result: { facts: [], files: [], people: null, device: null, key },
  }))
}

export async function existingKeys(ports: CeremonyPorts, plan: CeremonyPlan) {
  const stored = await listKeys(ports.db)
  const keys = []
  for (const { key: name, fingerprint } of plan.script.keys) {
    const wanted = fingerprint.replaceAll(/[\s:]/g, '').toUpperCase()
    const found = stored.find((each) => each.fingerprint === wanted)
    const certificate = found === undefined ? null : readCertificate(found.certificatePem)
    if (found === undefined || certificate?.ok !== true) return err(noSuchKey(fingerprint))
    const key = ceremonyKeyOf(name, found, certificate.value.spki, null)
    if (!key.ok) return key
    keys.push(key.value)
  }
  return ok(keys)
}

function noSuchKey(fingerprint: string): Failure {
  return {
    kind: 'refused',
    code: 'key-not-registered',
    message: `No key with the fingerprint ${fingerprint.slice(0, 80)} is registered at this station. Nothing was begun.`,
  }
}
