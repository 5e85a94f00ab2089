import { existsSync } from 'node:fs'
import { defineConfig } from '@playwright/test'
import type { StationTestOptions } from './e2e/harness/fixtures.ts'

// The built program, started as an operator starts it, once for each runtime that can draw its window.
const electronBinary = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? 'node_modules/electron/dist'

export default defineConfig<StationTestOptions>({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  reporter: [['list']],
  // Each station brings a browser of about ten processes.
  workers: 2,
  fullyParallel: true,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  projects: [
    { name: 'chromium-window', use: { windowKind: 'chromium' } },
    { name: 'electron-host', use: { windowKind: 'electron-host' } },
    {
      name: 'electron',
      use: { windowKind: 'electron' },
      metadata: {
        skip: existsSync(`${electronBinary}/electron`)
          ? null
          : `there is no Electron binary at ${electronBinary}/electron`,
      },
    },
  ],
})
