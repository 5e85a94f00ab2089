import { defineConfig } from '@playwright/test'
import type { StationTestOptions } from './e2e/harness/fixtures.ts'

// The built program, started as an operator starts it, once for each runtime that can draw its window.
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
    // Skipped, with the reason, where there is no Electron binary.
    { name: 'electron', use: { windowKind: 'electron' } },
  ],
})
