import { join } from 'node:path'
import type { PlaywrightReport, Tally } from './tally.ts'
import { playwrightTally } from './tally.ts'

/**
 * One step of a run. `tool` is a program of node_modules/.bin. A layer with `report` counts tests: its runner writes JSON to
 * the file named in `env`, and a run in which it counted none has failed. The others pass or fail as a whole.
 */
export type Layer = {
  readonly name: string
  readonly tool: string
  readonly args: readonly string[]
  readonly report: null | { readonly variable: string; readonly read: (json: unknown) => Tally }
  readonly env: Readonly<Record<string, string>>
  /** A layer that this one needs: it is not run when that one failed. */
  readonly needs: string | null
}

const vitestReport = { variable: 'STATION_TALLY_FILE', read: (json: unknown) => json as Tally }
const playwrightReport = {
  variable: 'PLAYWRIGHT_JSON_OUTPUT_FILE',
  read: (json: unknown) => playwrightTally(json as PlaywrightReport),
}

const vitest = (name: string, args: readonly string[]): Layer => ({
  name,
  tool: 'vitest',
  args: ['run', '--reporter=default', `--reporter=${join(import.meta.dirname, 'vitest-report.ts')}`, ...args],
  report: vitestReport,
  env: {},
  needs: null,
})

const playwright = (name: string, args: readonly string[]): Layer => ({
  name,
  tool: 'playwright',
  args: ['test', '--reporter=list,json', ...args],
  report: playwrightReport,
  env: {},
  needs: 'build',
})

const whole = (name: string, tool: string, args: readonly string[]): Layer => ({
  name,
  tool,
  args,
  report: null,
  env: {},
  needs: null,
})

const build = whole('build', 'electron-vite', ['build'])

const check: readonly Layer[] = [
  whole('format', 'biome', ['check', '--no-errors-on-unmatched']),
  whole('lint', 'oxlint', ['--type-aware', '--deny-warnings']),
  whole('types', 'tsc', ['-b']),
  vitest('unit', ['--project', '!contract']),
]

export const runs: Readonly<Record<string, readonly Layer[]>> = {
  check,
  test: [...check, vitest('contract', ['--project', 'contract']), build, playwright('window', [])],
  'test:debusine': [
    build,
    vitest('real server', ['--config', 'e2e/real-server/vitest.config.ts']),
    // Without the variable that spec skips itself: it needs servers that take minutes to install.
    { ...playwright('window, real server', ['e2e/real-server.spec.ts']), env: { STATION_REAL_SERVER: '1' } },
  ],
  'test:usb': [build, { ...vitest('usb', ['--config', 'e2e/usb/vitest.config.ts']), needs: 'build' }],
}
