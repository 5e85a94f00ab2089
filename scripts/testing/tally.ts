/** What a layer of tests found. `skipped` names each test that did not run, with its reason. */
export type Tally = {
  readonly passed: number
  readonly failed: number
  readonly skipped: readonly { readonly name: string; readonly reason: string }[]
}

export const nothing: Tally = { passed: 0, failed: 0, skipped: [] }

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, tally) => ({
      passed: total.passed + tally.passed,
      failed: total.failed + tally.failed,
      skipped: [...total.skipped, ...tally.skipped],
    }),
    nothing,
  )
}

/** The last line of every run. */
export function closingLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`
}

/** What did not run and why, a line each; a line for all that share a reason where they are many. */
export function skipLines(skipped: Tally['skipped']): readonly string[] {
  const reasons = Map.groupBy(skipped, ({ reason }) => reason)
  return [...reasons].flatMap(([reason, tests]) => {
    const [first, last] = [tests[0]?.name ?? '', tests.at(-1)?.name ?? '']
    if (tests.length <= 3) return tests.map(({ name }) => `${name}: ${reason}`)
    return [`${tests.length} tests, from ${first} to ${last}: ${reason}`]
  })
}

type PlaywrightSuite = {
  readonly title: string
  readonly suites?: readonly PlaywrightSuite[]
  readonly specs?: readonly {
    readonly title: string
    readonly tests: readonly {
      readonly projectName: string
      readonly status: 'expected' | 'unexpected' | 'flaky' | 'skipped'
      readonly annotations: readonly { readonly type: string; readonly description?: string }[]
    }[]
  }[]
}
export type PlaywrightReport = { readonly suites: readonly PlaywrightSuite[]; readonly errors: readonly unknown[] }

/** Reads Playwright's JSON report. A flaky test, one that passed at the second try only, counts as failed. */
export function playwrightTally(report: PlaywrightReport): Tally {
  return sum([{ ...nothing, failed: report.errors.length }, ...report.suites.map((suite) => suiteTally(suite, []))])
}

function suiteTally(suite: PlaywrightSuite, path: readonly string[]): Tally {
  const here = [...path, suite.title]
  const own = (suite.specs ?? []).flatMap((spec) =>
    spec.tests.map((test): Tally => {
      switch (test.status) {
        case 'expected':
          return { ...nothing, passed: 1 }
        case 'unexpected':
        case 'flaky':
          return { ...nothing, failed: 1 }
        case 'skipped': {
          const why = test.annotations.find((note) => note.type === 'skip' || note.type === 'fixme')?.description
          return {
            ...nothing,
            skipped: [{ name: [test.projectName, ...here, spec.title].join(' > '), reason: why ?? 'no reason given' }],
          }
        }
      }
    }),
  )
  return sum([...own, ...(suite.suites ?? []).map((inner) => suiteTally(inner, here))])
}
