import { readerOf } from '../../../db/database.ts'
import type { CeremonyId, CeremonyPlan, ReadScript, ScriptSource } from '../../shared/ceremony.ts'
import type { Failure } from '../../shared/failure.ts'
import { err, type Result } from '../../shared/result.ts'
import type { Settings } from '../../shared/settings.ts'
import { bundleOf } from '../ceremony/bundle.ts'
import { findCeremony } from '../ceremony/ceremony.repository.ts'
import { type CeremonyEngine, createCeremonyEngine } from '../ceremony/engine.ts'
import type { CeremonyPorts } from '../ceremony/ports.ts'
import { programIdentity } from '../ceremony/program-identity.ts'
import { type SavedBundle, saveBundle } from '../ceremony/save-bundle.ts'
import { planOf, readFrom } from '../ceremony/script.ts'
import { type ReadyScript, readyScripts, scriptBytes } from '../ceremony/scripts.ts'
import { opensslAt } from '../tools/openssl.ts'
import type { StationCheckpoints } from './checkpoints.ts'
import type { StationParts } from './parts.ts'

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

/** What of the station a ceremony works with, beside what the station is made of. */
interface OfStation extends Pick<CeremonyPorts, 'db' | 'audit' | 'keys'> {
  readonly checkpoints: StationCheckpoints
  readonly settings: () => Settings
  readonly keysChanged: () => void
}

const opensslPath = '/usr/bin/openssl'

export function createStationCeremonies(parts: StationParts, own: OfStation): StationCeremonies {
  const { profile, ceremonyFiles: files, version, now, tokens, hsm, shippedRoots, publish } = parts
  const { db, audit, keys, checkpoints } = own
  const engine = createCeremonyEngine({
    db,
    audit,
    tokens,
    hsm,
    keys,
    shippedRoots,
    checkpoints,
    openssl: opensslAt(opensslPath, profile.runtime),
    program: () => programIdentity(files.program, version, `Node ${process.version}`),
    stationName: () => own.settings().stationName,
    now,
    keysChanged: async () => {
      await tokens.list({ refresh: true })
      own.keysChanged()
    },
    onSignal: (phase) => publish('generation.progress', { phase }),
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
