import { defineConfig } from '@playwright/test'

/** The screens in a real browser on a fake station: `playwright test --config src/renderer/testing`. */
const config = defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: '../../../node_modules/.cache/gallery-results',
  reporter: 'line',
  workers: 1,
  use: {
    baseURL: 'http://127.0.0.1:4187',
    viewport: { width: 1400, height: 900 },
    launchOptions: { executablePath: '/usr/lib/chromium/chromium' },
  },
  webServer: {
    command: 'node serve-gallery.ts',
    url: 'http://127.0.0.1:4187/testing/gallery.html',
    reuseExistingServer: false,
    timeout: 60_000,
  },
})

// Playwright reads the default export.
// oxlint-disable-next-line import/no-default-export
export default config
