import type { Settings } from '../shared/settings.ts'
import { onePathForEachFile } from './modules/discover.ts'

/** Each module once, by whichever of its paths: two processes with one module would show each token twice, and both be refused. */
export function enabledModules(settings: Settings): Promise<readonly string[]> {
  return onePathForEachFile(settings.modules.filter(({ enabled }) => enabled).map(({ path }) => path))
}
