import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { doctorReport } from '../shared/doctor.ts'
import { profileAt } from './config/profile.ts'
import { runDoctor } from './doctor-command.ts'

describe('the doctor on the command line, on this machine', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'doctor-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  async function run(options: { readonly json: boolean; readonly modules?: readonly string[] }) {
    const out: string[] = []
    const warned: string[] = []
    const code = await runDoctor(
      {
        profile: profileAt(folder, {}),
        tokenHost: fileURLToPath(new URL('./token/host/index.ts', import.meta.url)),
        node: process.execPath,
        modules: options.modules ?? [],
        json: options.json,
      },
      (text) => out.push(text),
      (text) => warned.push(text),
    )
    return { code, out: out.join(''), warned: warned.join('') }
  }

  test('needs no station, and its exit code says whether something is wrong', async () => {
    const missing = join(folder, 'missing.so')
    const { code, out, warned } = await run({ json: true, modules: [missing] })
    const report = doctorReport.parse(JSON.parse(out))
    expect(report.findings.find(({ check }) => check === 'module-file')).toMatchObject({
      subject: missing,
      verdict: { kind: 'problem', sentence: 'There is no such file.' },
    })
    expect({ code, warned }).toEqual({ code: 1, warned: '' })
  })

  test('says so when a station is there and cannot be read', async () => {
    writeFileSync(join(folder, 'station.db'), 'this is no database')
    const { out, warned } = await run({ json: false })
    expect(warned).toContain('its modules were not looked at')
    expect(out).toMatch(/(?:Nothing wrong was found\.|problems? (?:was|were) found\. .*)\n$/)
  })
})
