import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { _electron, type Page } from '@playwright/test'
import { follow, type StationOptions, type StationProcess } from './station-process.ts'

const root = join(import.meta.dirname, '..', '..')

function binary(): string {
  return join(process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(root, 'node_modules', 'electron', 'dist'), 'electron')
}

/** Why the real Electron cannot be tested here, or null. */
export function electronMissing(): string | null {
  if (!existsSync(binary())) return `there is no Electron binary at ${binary()} (set ELECTRON_OVERRIDE_DIST_PATH)`
  if (process.getuid?.() === 0) return 'Electron gives root no sandbox: run the tests as another user'
  return null
}

/** `electron . --profile DIR`, as after a build. */
export async function startElectron(
  options: StationOptions,
): Promise<{ readonly station: StationProcess; readonly attach: () => Promise<Page> }> {
  const { folders } = options
  const electron = await _electron.launch({
    executablePath: binary(),
    args: [root, '--profile', folders.profile, ...(options.args ?? [])],
    cwd: folders.home,
    env: {
      PATH: process.env['PATH'] ?? '/usr/bin:/bin',
      HOME: folders.home,
      XDG_RUNTIME_DIR: folders.runtime,
      DISPLAY: process.env['DISPLAY'] ?? '',
      LANG: 'C.UTF-8',
      ...options.env,
    },
  })
  return { station: follow(electron.process(), ''), attach: () => electron.firstWindow() }
}
