import type { Kysely } from 'kysely'
import { type Database, readerOf } from '../../db/database.ts'
import type { CeremonyId, CeremonyPlan, ReadScript, ScriptSource } from '../shared/ceremony.ts'
import type { Failure } from '../shared/failure.ts'
import { err, type Result } from '../shared/result.ts'
import type { AuditLog } from './audit/audit-log.ts'
import { bundleOf } from './ceremony/bundle.ts'
import { findCeremony } from './ceremony/ceremony.repository.ts'
import { type CeremonyEngine, createCeremonyEngine } from './ceremony/engine.ts'
import type { CeremonyPorts } from './ceremony/ports.ts'
import { programIdentity } from './ceremony/program-identity.ts'
import { type SavedBundle, saveBundle } from './ceremony/save-bundle.ts'
import { planOf, readFrom } from './ceremony/script.ts'
import { type ReadyScript, readyScripts, scriptBytes } from './ceremony/scripts.ts'
import type { Profile } from './config/profile.ts'
import type { StationCheckpoints } from './station-checkpoints.ts'
import { opensslAt } from './tools/openssl.ts'

/** Where the things are that a ceremony works with. */
export interface CeremonyFiles {
  /** Ready scripts. */
  readonly scripts: string
  /** All files of the program. */
  readonly program: string
}

/** Key ceremonies at this station (docs/flows/ceremony.md). */
export interface StationCeremonies extends Omit<CeremonyEngine, 'begin'> {
  scripts(): Promise<readonly ReadyScript[]>
  read(source: ScriptSource): Promise<Result<ReadScript, Failure>>
  plan(source: ScriptSource, parameters: Readonly<Record<string, string>>): Promise<Result<CeremonyPlan, Failure>>
  begin(
    source: ScriptSource,
    parameters: Readonly<Record<string, string>>,
    planSha256: string,
    operator: string,
  ): Promise<Result<CeremonyId, Failure>>
  /** Writes the evidence of a sealed ceremony into the exports folder. */
  saveEvidence(id: CeremonyId): Promise<Result<SavedBundle, Failure>>
}

interface Parts extends Omit<CeremonyPorts, 'openssl' | 'program' | 'checkpoints'> {
  readonly db: Kysely<Database>
  readonly audit: AuditLog
  readonly checkpoints: StationCheckpoints
  readonly profile: Profile
  readonly files: CeremonyFiles
  readonly version: string
  /** Plain Node, or the window's runtime: in words. */
  readonly runtime: string
}

const opensslPath = '/usr/bin/openssl'

export function createStationCeremonies(parts: Parts): StationCeremonies {
  const { db, checkpoints, profile, files, version, now } = parts
  const engine = createCeremonyEngine({
    ...parts,
    openssl: opensslAt(opensslPath, profile.runtime),
    program: () => programIdentity(files.program, version, parts.runtime),
  })
  async function planFrom(source: ScriptSource, parameters: Readonly<Record<string, string>>) {
    const bytes = await scriptBytes(source, files.scripts)
    return bytes.ok ? { bytes: bytes.value, plan: planOf(bytes.value, parameters) } : { bytes: null, plan: bytes }
  }
  return {
    ...engine,
    scripts: () => readyScripts(files.scripts),
    read: async (source) => {
      const bytes = await scriptBytes(source, files.scripts)
      return bytes.ok ? readFrom(source, bytes.value) : bytes
    },
    plan: async (source, parameters) => (await planFrom(source, parameters)).plan,
    begin: async (source, parameters, planSha256, operator) => {
      const { bytes, plan } = await planFrom(source, parameters)
      if (!plan.ok) return plan
      return engine.begin(bytes ?? new Uint8Array(), plan.value, planSha256, operator)
    },
    saveEvidence: async (id) => {
      const ceremony = await findCeremony(readerOf(db), id)
      const key = checkpoints.key()
      if (ceremony === null) return err(noSuchCeremony)
      if (key === null) return err(noKey)
      const written = await checkpoints.write()
      if (!written.ok) return written
      const at = now()
      const bundle = await bundleOf({ db: readerOf(db), ceremony, key, softwareVersion: version, now: at })
      return bundle.ok ? saveBundle(profile.exports, { ceremonyId: id, bundle: bundle.value, now: at }) : bundle
    },
  }
}

const noSuchCeremony: Failure = {
  kind: 'invalid',
  code: 'no-such-ceremony',
  message: 'There is no such ceremony at this station.',
}
const noKey: Failure = {
  kind: 'refused',
  code: 'log-key-absent',
  message: 'The log of this station has no key, so the evidence would prove nothing. Make the key of the log first.',
}
