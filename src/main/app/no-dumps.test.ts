import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

const entry = new URL('no-dumps.ts', import.meta.url).href

/** A process of its own: the limit cannot be taken back. */
function run(prlimit: string): { readonly told: readonly string[]; readonly limits: string } {
  const script = `
    import { execFileSync } from 'node:child_process'
    import { forbidDumps } from ${JSON.stringify(entry)}
    const told = []
    forbidDumps((event, fields) => told.push(event + ' ' + JSON.stringify(fields)), ${JSON.stringify(prlimit)})
    const limits = execFileSync('/bin/cat', ['/proc/self/limits'], { encoding: 'utf8' })
    process.stdout.write(JSON.stringify({ told, limits, report: process.report.reportOnFatalError }))`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--report-on-fatalerror', '--input-type=module-typescript', '--eval', script],
    { encoding: 'utf8' },
  )
  if (stdout === '') throw new Error(stderr)
  const answer = JSON.parse(stdout)
  expect(answer.report).toBe(false)
  return answer
}

test('nothing that this process starts leaves its memory in a file, or gives it to a program that collects dumps', (ctx) => {
  const { told, limits } = run('/usr/bin/prlimit')
  if (told.length > 0) return ctx.skip('there is no prlimit (Debian package util-linux)')
  // 1 and not 0: see the file.
  expect(limits).toMatch(/^Max core file size\s+1\s+1\s/m)
  return undefined
})

test('where that cannot be forbidden, the log says so', () => {
  expect(run('/nonexistent/prlimit').told).toEqual([expect.stringContaining('program.core-dumps-possible')])
})
