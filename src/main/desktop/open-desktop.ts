import type { Result } from '../../shared/result.ts'
import type { Desktop, DesktopOptions, OpenFailure } from './desktop.ts'

/** Opens the window in whichever runtime the program was started. Each adapter is a chunk of its own, so that plain Node never loads `electron`. */
export async function openDesktop(options: DesktopOptions): Promise<Result<Desktop, OpenFailure>> {
  if ('electron' in process.versions) {
    const { openElectronDesktop } = await import('./electron/open.ts')
    return openElectronDesktop(options)
  }
  const { openChromiumDesktop } = await import('./chromium/open.ts')
  return openChromiumDesktop(options)
}
