import { defineConfig } from 'vitest/config'

// Pure units and contracts with real modules and tools, one project per process; the window has its own runner (playwright.config.ts).
const project = (name: string, include: string[]) => ({
  extends: true as const,
  test: { name, include, environment: 'node' },
})

export default defineConfig({
  test: {
    testTimeout: 30_000,
    projects: [
      project('shared', ['src/shared/**/*.test.ts']),
      project('db', ['db/**/*.test.ts']),
      project('main', ['src/main/**/*.test.ts']),
      project('renderer', ['src/renderer/**/*.test.ts', 'src/preload/**/*.test.ts']),
      project('scripts', ['scripts/**/*.test.ts', 'e2e/**/*.test.ts']),
    ],
  },
})
