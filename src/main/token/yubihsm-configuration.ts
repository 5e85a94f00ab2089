import { join } from 'node:path'
import type { Settings } from '../../shared/settings.ts'
import { defaultConnector } from '../../shared/yubihsm-connector.ts'
import { removeSecretFile, writeSecretFile } from '../config/secret-file.ts'

const variable = 'YUBIHSM_PKCS11_CONF'

/** What token processes are told of the connectors of YubiHSMs: a file of the station's own, which its environment names. */
export interface YubiHsmConfiguration {
  /** The environment of token processes. Live: it names another file after `use`. */
  readonly environment: Readonly<Record<string, string>>
  /** Writes the file. True: token processes that run were told something else. */
  use(chosen: Settings['yubihsm']): boolean
}

/**
 * `operators`: the environment that the station was started with. Its own YUBIHSM_PKCS11_CONF counts as long as no connector is in the
 * settings; without either, the module gets the maker's default, because it does not start without a file. `folder`: the station's
 * own, which other users cannot enter: whoever writes in it chooses the device that gets the PIN.
 */
export function createYubiHsmConfiguration(
  operators: Readonly<Record<string, string>>,
  folder: string,
): YubiHsmConfiguration {
  const environment: Record<string, string> = { ...operators }
  const file = join(folder, 'yubihsm_pkcs11.conf')
  const caFile = join(folder, 'yubihsm-connectors.pem')
  let written: string | null = null
  return {
    environment,
    use(chosen) {
      const theirs = operators[variable]
      const isTheirs = chosen.connectors.length === 0 && theirs !== undefined
      const now = isTheirs ? `file ${theirs}` : JSON.stringify(chosen)
      if (now === written) return false
      if (!isTheirs) {
        if (chosen.caPem === null) removeSecretFile(caFile)
        else writeSecretFile(caFile, chosen.caPem)
        writeSecretFile(file, configurationText(chosen, caFile))
      }
      environment[variable] = isTheirs ? theirs : file
      const isChange = written !== null
      written = now
      return isChange
    },
  }
}

/** The options of yubihsm_pkcs11 that a station wants. Never `debug`, `dinout` or `libdebug`: they print what is in a session. */
export function configurationText({ connectors, caPem }: Settings['yubihsm'], caFile: string): string {
  const lines = (connectors.length === 0 ? [defaultConnector] : connectors).map((each) => `connector="${each}"`)
  return [...lines, 'timeout=5', ...(caPem === null ? [] : [`cacert="${caFile}"`]), ''].join('\n')
}
