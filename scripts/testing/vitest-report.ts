import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import type { Tally } from './tally.ts'

/** Writes a `Tally` as JSON to the file named by `STATION_TALLY_FILE`. Vitest's own JSON leaves out why a test was skipped. */
// vitest loads a reporter file through its default export.
// oxlint-disable-next-line import/no-default-export
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    // A module that could not be loaded has no failing test to count.
    let failed = unhandledErrors.length + modules.filter((module) => module.errors().length > 0).length
    const skipped: { name: string; reason: string }[] = []
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') passed += 1
        else if (result.state === 'failed') failed += 1
        else {
          const reason = result.state === 'skipped' && result.note !== undefined ? result.note : 'no reason given'
          skipped.push({ name: `${module.relativeModuleId} > ${test.fullName}`, reason })
        }
      }
    }
    const tally: Tally = { passed, failed, skipped }
    const file = process.env.STATION_TALLY_FILE
    if (file !== undefined) writeFileSync(file, `${JSON.stringify(tally, null, 2)}\n`)
  }
}
