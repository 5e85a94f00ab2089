import { userInfo } from 'node:os'
import { readerOf } from '../../db/database.ts'
import { openStationDatabase } from '../../db/open.ts'
import type { Settings } from '../shared/settings.ts'
import { defaultConnector } from '../shared/yubihsm-connector.ts'
import { exitCodes } from './config/exit-codes.ts'
import type { Profile } from './config/profile.ts'
import { examine } from './doctor/examine.ts'
import type { Machine } from './doctor/machine.ts'
import { printReport, problemsOf } from './doctor/print.ts'
import { temporaryFolder } from './doctor/temporary-folder.ts'
import { silentLog } from './log/logger.ts'
import { discoverModules, onePathForEachFile } from './modules/discover.ts'
import { readSettings } from './settings/settings-store.ts'
import { moduleEnvironment } from './token/module-environment.ts'
import { createTokenService } from './token/service.ts'
import { createYubiHsmConfiguration } from './token/yubihsm-configuration.ts'

export type DoctorCommand = {
  readonly profile: Profile
  readonly tokenHost: string
  readonly node: string
  /** Modules that the operator named on the command line, beside those that his station uses. */
  readonly modules: readonly string[]
  readonly json: boolean
}

/** This machine and this user. */
export function thisMachine(): Machine {
  return {
    root: '',
    uid: process.getuid?.() ?? -1,
    user: accountName(),
    environment: process.env,
    usualConnector: defaultConnector,
    architecture: process.arch,
  }
}

/** `signing-station --doctor`: needs no window and no station. Prints what it found; the exit code says whether something is wrong. */
export async function runDoctor(
  command: DoctorCommand,
  write: (text: string) => void,
  warn: (text: string) => void,
): Promise<number> {
  const own = await settingsOf(command.profile, warn)
  const inSettings = own?.modules ?? null
  const named = command.modules.map((path) => ({ path, enabled: true }))
  const chosen = [...(inSettings ?? []), ...named]
  const modules = await onePathForEachFile(chosen.filter(({ enabled }) => enabled).map(({ path }) => path))
  // Not the file of the station, which may be open in a window.
  const folder = await temporaryFolder()
  const yubihsm = createYubiHsmConfiguration(moduleEnvironment(process.env), folder.path)
  yubihsm.use(own?.yubihsm ?? { connectors: [], caPem: null })
  const tokens = createTokenService({
    node: command.node,
    hostEntry: command.tokenHost,
    modules,
    serviceKeysFolder: command.profile.serviceKeys,
    environment: yubihsm.environment,
    log: silentLog,
  })
  try {
    const report = await examine({
      machine: { ...thisMachine(), environment: { ...process.env, ...yubihsm.environment } },
      modules: () => discoverModules({ chosen, architecture: process.arch }),
      chosen: inSettings === null && named.length === 0 ? null : chosen,
      tokens: () => tokens.list({ refresh: false }),
      now: () => new Date(),
    })
    write(command.json ? `${JSON.stringify(report, null, 2)}\n` : printReport(report))
    return problemsOf(report) === 0 ? exitCodes.closed : exitCodes.problems
  } finally {
    await tokens.reset()
    await folder.remove()
  }
}

/** The settings of the station in this profile, which may be open in a window meanwhile; null where there is none to read. */
async function settingsOf(profile: Profile, warn: (text: string) => void): Promise<Settings | null> {
  const opened = await openStationDatabase(profile.database, 'read')
  if (!opened.ok) {
    // That there is no station is no news here; that it cannot be read is, because its modules are then left out.
    if (opened.error.code !== 'database-absent')
      warn(`The station’s settings could not be read, so its modules were not looked at: ${opened.error.message}\n`)
    return null
  }
  try {
    return await readSettings(readerOf(opened.value.db))
  } finally {
    await opened.value.close()
  }
}

/** The account's name; one that is in no user database (a container's) has a number only. */
export function accountName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
