import type { Settings } from '../../shared/settings.ts'
import { onePathForEachFile } from '../modules/discover.ts'
import type { TokenService } from '../token/token-service.ts'
import type { YubiHsmConfiguration } from '../token/yubihsm-configuration.ts'

/** Has the modules of the settings loaded, and tells them what they are configured to reach. */
export function createModuleChoice(
  tokens: Pick<TokenService, 'setModules'>,
  yubihsm: YubiHsmConfiguration,
): (settings: Settings) => Promise<void> {
  return async (settings) => {
    const isReconfigured = yubihsm.use(settings.yubihsm)
    await tokens.setModules(await enabledModules(settings), isReconfigured)
  }
}

/** Each module once, by whichever of its paths: two processes with one module would show each token twice, and both be refused. */
function enabledModules(settings: Settings): Promise<readonly string[]> {
  return onePathForEachFile(settings.modules.filter(({ enabled }) => enabled).map(({ path }) => path))
}
