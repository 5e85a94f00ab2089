import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'station-layers-'))
  mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  cpSync(import.meta.dirname, join(folder, 'scripts', 'testing'), { recursive: true })
  for (const name of ['biome', 'oxlint', 'tsc', 'electron-vite']) tool(name, '')
  tool('vitest', report({ passed: 3, failed: 0, skipped: [] }))
  tool('playwright', playwright('expected'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A runner that does what `source` says. */
function tool(name: string, source: string): void {
  writeFileSync(join(folder, 'node_modules', '.bin', name), `const fs = require('node:fs')\n${source}`)
}
const report = (tally: unknown) =>
  `fs.writeFileSync(process.env.STATION_TALLY_FILE, ${JSON.stringify(JSON.stringify(tally))})\n`
const playwright = (status: string) => {
  const suites = [
    {
      title: 'a',
      specs: [
        {
          title: 'b',
          tests: [{ projectName: 'c', status, annotations: [{ type: 'skip', description: 'no binary' }] }],
        },
      ],
    },
  ]
  return `fs.writeFileSync(process.env.PLAYWRIGHT_JSON_OUTPUT_FILE, ${JSON.stringify(JSON.stringify({ errors: [], suites }))})\n`
}

function run(name: string): { readonly status: number | null; readonly last: string; readonly said: string } {
  const done = spawnSync(process.execPath, [join(folder, 'scripts', 'testing', 'run-layers.ts'), name], {
    encoding: 'utf8',
  })
  return { status: done.status, last: done.stdout.trimEnd().split('\n').at(-1) ?? '', said: done.stdout + done.stderr }
}

describe('a run', () => {
  it('adds up what the runners report and succeeds', () => {
    expect(run('test')).toMatchObject({ status: 0, last: '7 passed, 0 failed, 0 skipped' })
  })

  it('lists what was skipped, with its reason', () => {
    tool('playwright', playwright('skipped'))
    const { status, last, said } = run('test')
    expect({ status, last }).toEqual({ status: 0, last: '6 passed, 0 failed, 1 skipped' })
    expect(said).toContain('c > a > b: no binary')
  })

  it('fails when a check fails that counts no tests', () => {
    tool('oxlint', 'process.exit(1)')
    expect(run('check')).toMatchObject({ status: 1, last: '3 passed, 1 failed, 0 skipped' })
  })

  it('fails when a runner found nothing to run', () => {
    tool('vitest', report({ passed: 0, failed: 0, skipped: [] }))
    expect(run('check')).toMatchObject({ status: 1, last: '0 passed, 1 failed, 0 skipped' })
  })

  it('fails when everything was skipped', () => {
    tool('vitest', report({ passed: 0, failed: 0, skipped: [{ name: 'a', reason: 'b' }] }))
    expect(run('check')).toMatchObject({ status: 1, last: '0 passed, 0 failed, 1 skipped' })
  })

  it('fails when a runner crashes after its report, or writes none', () => {
    tool('vitest', `${report({ passed: 3, failed: 0, skipped: [] })}process.kill(process.pid, 'SIGKILL')`)
    expect(run('check')).toMatchObject({ status: 1, last: '3 passed, 1 failed, 0 skipped' })
    tool('vitest', '')
    expect(run('check')).toMatchObject({ status: 1, last: '0 passed, 1 failed, 0 skipped' })
  })

  it('does not drive a window that could not be built', () => {
    tool('electron-vite', 'process.exit(1)')
    const { status, said } = run('test')
    expect(status).toBe(1)
    expect(said).toContain('not run: build failed')
  })
})
