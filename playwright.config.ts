import { defineConfig } from '@playwright/test'
import type { StationTestOptions } from './e2e/harness/fixtures.ts'

/** What differs from runtime to runtime. The rest of the program does not know which one draws its window. */
const ofTheWindow = ['window-lockdown.spec.ts', 'review-and-sign.spec.ts']

// The built program, started as an operator starts it, once for each runtime that can draw its window.
export default defineConfig<StationTestOptions>({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  reporter: [['list']],
  // Each station brings a browser of about ten processes.
  workers: 2,
  fullyParallel: true,
  // Limits for what hangs: on a loaded machine a browser takes its time.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  projects: [
    { name: 'chromium-window', use: { windowKind: 'chromium' } },
    { name: 'electron-host', use: { windowKind: 'electron-host' }, testMatch: ofTheWindow },
    // Skipped, with the reason, where there is no Electron binary.
    { name: 'electron', use: { windowKind: 'electron' }, testMatch: ofTheWindow },
  ],
})
