import { chownSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import type { StationFolders } from '../harness/station-process.ts'

/** Has checkpoints copied to a folder outside the profile, and returns when the first lies there. */
export async function copyCheckpointsElsewhere(page: Page, folders: StationFolders): Promise<void> {
  const medium = join(folders.base, 'medium')
  mkdirSync(medium, { mode: 0o700 })
  const { uid, gid } = statSync(folders.profile)
  chownSync(medium, uid, gid)
  const refused = await page.evaluate(async (path) => {
    const settings = await window.station.settingsGet()
    if (!settings.ok) return settings.error.message
    const saved = await window.station.settingsSet({ ...settings.value, checkpointFolders: [path] })
    return saved.ok ? null : saved.error.message
  }, medium)
  expect(refused).toBeNull()
  await expect.poll(() => readdirSync(medium).length, { timeout: 30_000 }).toBeGreaterThan(0)
}
