import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { install, prepareDesk } from './desk.ts'
import { scenario } from './scenario.ts'
import { type Given, World } from './world.ts'

// Runs the scenario in the guest, and writes what came of each step as a line of JSON, at once: a machine that stops in the middle
// has told how far it came.

const out = '/out'
const given = JSON.parse(readFileSync(join(out, 'given.json'), 'utf8')) as Given

const started = performance.now()
install(given.vendor)
prepareDesk()
const world = await World.make(out, given)
tell({ title: 'preparation', ms: performance.now() - started, problem: null })
let failed = false
for (const { title, run } of scenario) {
  const began = performance.now()
  const problem = await run(world).then(
    () => null,
    (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
  )
  tell({ title, ms: performance.now() - began, problem })
  if (problem !== null) {
    failed = true
    break
  }
}
writeFileSync(join(out, 'figures.json'), JSON.stringify(world.figures, null, 2))
await world.close()
process.exit(failed ? 1 : 0)

function tell(line: { readonly title: string; readonly ms: number; readonly problem: string | null }): void {
  appendFileSync(join(out, 'steps.jsonl'), `${JSON.stringify({ ...line, ms: Math.round(line.ms) })}\n`)
}
