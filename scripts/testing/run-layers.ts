import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { type Layer, runs } from './layers.ts'
import { closingLine, nothing, skipLines, sum, type Tally } from './tally.ts'

// Runs the layers of one run one after the other, shows what each runner says, and closes with one line that adds up what the
// runners' own reports say. Fails when anything failed, and when nothing was run.

const root = join(import.meta.dirname, '..', '..')
// Not in test-results: Playwright empties that folder when it starts.
const reports = join(root, 'node_modules', '.cache', 'reports')

type Outcome = { readonly layer: Layer; readonly seconds: number; readonly tally: Tally; readonly note: string | null }

const children = new Set<ReturnType<typeof spawn>>()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal)
    process.exitCode = 128 + constants.signals[signal]
  })
}

function execute(layer: Layer, env: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve) => {
    // Nothing here reads from a terminal; a runner that asks must not wait for ever.
    const child = spawn(process.execPath, [join(root, 'node_modules', '.bin', layer.tool), ...layer.args], {
      cwd: root,
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    children.add(child)
    child.on('error', (error) => {
      children.delete(child)
      resolve(`could not be started: ${error.message}`)
    })
    child.on('close', (code, signal) => {
      children.delete(child)
      resolve(code === 0 ? null : `ended with ${signal ?? `exit code ${code}`}`)
    })
  })
}

async function run(layer: Layer): Promise<Outcome> {
  const started = performance.now()
  const file = join(reports, `${layer.name.replace(/[^a-z]+/g, '-')}.json`)
  rmSync(file, { force: true })
  const env = { ...process.env, ...layer.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}` }
  const problem = await execute(layer, layer.report === null ? env : { ...env, [layer.report.variable]: file })
  const seconds = (performance.now() - started) / 1000
  if (layer.report === null) {
    return { layer, seconds, tally: problem === null ? nothing : { ...nothing, failed: 1 }, note: problem }
  }
  if (!existsSync(file)) {
    return { layer, seconds, tally: { ...nothing, failed: 1 }, note: problem ?? 'wrote no report' }
  }
  const tally = layer.report.read(JSON.parse(readFileSync(file, 'utf8')))
  if (tally.passed + tally.failed + tally.skipped.length === 0) {
    return { layer, seconds, tally: { ...nothing, failed: 1 }, note: 'no test was found' }
  }
  // A runner can fail without a failing test: an error outside tests, a crash after the report.
  if (problem !== null && tally.failed === 0) return { layer, seconds, tally: { ...tally, failed: 1 }, note: problem }
  return { layer, seconds, tally, note: null }
}

const name = process.argv[2] ?? ''
const layers = runs[name]
if (layers === undefined) {
  process.stderr.write(`run-layers: no run is called "${name}"; there are ${Object.keys(runs).join(', ')}\n`)
  process.exit(2)
}

mkdirSync(reports, { recursive: true })
const outcomes: Outcome[] = []
for (const layer of layers) {
  const needed = outcomes.find((outcome) => outcome.layer.name === layer.needs)
  if (needed !== undefined && needed.tally.failed > 0) {
    outcomes.push({ layer, seconds: 0, tally: { ...nothing, failed: 1 }, note: `not run: ${needed.layer.name} failed` })
    continue
  }
  process.stdout.write(`\n== ${layer.name}\n`)
  outcomes.push(await run(layer))
  if (process.exitCode !== undefined) process.exit(process.exitCode)
}

const total = sum(outcomes.map((outcome) => outcome.tally))
process.stdout.write('\n')
for (const { layer, seconds, tally, note } of outcomes) {
  const found = note ?? (layer.report === null ? 'ok' : closingLine(tally))
  process.stdout.write(`${layer.name.padEnd(20)} ${seconds.toFixed(1).padStart(6)} s  ${found}\n`)
}
if (total.skipped.length > 0) {
  process.stdout.write('\nSkipped:\n')
  for (const line of skipLines(total.skipped)) process.stdout.write(`  ${line}\n`)
}
process.stdout.write(`\n${closingLine(total)}\n`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
