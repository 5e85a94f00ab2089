import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import type { Command } from '../config/command-line.ts'
import { exitCodes } from '../config/exit-codes.ts'
import { type Profile, prepareProfile, profileAt } from '../config/profile.ts'
import { stderrLog } from '../log/logger.ts'
import { createStation } from '../station/log-key.ts'
import { createTokenService } from '../token/service.ts'
import { runCommand } from './run-command.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const tokenHost = fileURLToPath(new URL('../token/host/index.ts', import.meta.url))
const dump = fileURLToPath(new URL('../keys/testdata/debusine-signing/pg_dump.sql', import.meta.url))
const serviceKey = new URL('../keys/testdata/debusine-signing/service-key.hex', import.meta.url)
const log = stderrLog(() => {})

describe('software keys on the command line', () => {
  let profile: Profile
  beforeEach(async () => {
    profile = profileAt(tempFolder(), {})
    prepareProfile(profile)
    const tokens = createTokenService({
      node: process.execPath,
      hostEntry: tokenHost,
      modules: [],
      serviceKeysFolder: profile.serviceKeys,
      environment: {},
      log,
    })
    const names = { stationName: 'station', operatorName: 'Custodian' }
    const station = await createStation({ profile, tokens, version: '0', now: () => new Date() }, names)
    if (!station.ok) throw new Error(station.error.message)
    await tokens.reset()
    await station.value.close()
    const secret = Buffer.from(readFileSync(serviceKey, 'utf8').trim(), 'hex')
    writeFileSync(join(profile.serviceKeys, 'z-debusine.key'), secret, { mode: 0o600 })
  })
  afterEach(() => vi.restoreAllMocks())

  async function run(command: Command): Promise<{ code: number; out: string; complaint: string }> {
    let [out, complaint] = ['', '']
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text)
      return true
    })
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      complaint += String(text)
      return true
    })
    const code = await runCommand(command, profile, {
      root: new URL('../index.ts', import.meta.url).href,
      tokenHost,
      node: process.execPath,
      log,
    })
    vi.restoreAllMocks()
    return { code, out, complaint }
  }

  test('are looked at, taken over and exported', async () => {
    const shown = await run({ kind: 'software-keys', action: 'preview', dump })
    expect(shown.code).toBe(0)
    expect(shown.out).toMatch(/^line \d+: NOT taken: uefi [0-9A-F]{64} \n {4}Its private half is on a token/)
    expect(shown.out).toContain('would be taken: uefi')
    expect(shown.out).toContain('2 of 4 would be taken')
    const [, sha256 = ''] = /SHA-256 of the dump: ([0-9a-f]{64})\n/.exec(shown.out) ?? []
    const other = await run({ kind: 'software-keys', action: 'import', dump, sha256: 'a1'.repeat(32) })
    expect(other).toMatchObject({ code: exitCodes.commandFailed, out: '' })
    expect(other.complaint).toContain('(dump-changed)')
    const taken = await run({ kind: 'software-keys', action: 'import', dump, sha256 })
    expect(taken).toMatchObject({ code: 0, out: 'Taken: 2; left: 2; failed: 0.\n' })
    const saved = await run({ kind: 'software-keys', action: 'export' })
    expect(saved.code).toBe(0)
    const [name = ''] = readdirSync(profile.exports)
    expect(saved.out).toContain(`${join(profile.exports, name)}\n2 software keys, still sealed.`)
    expect(saved.out).toMatch(/ {2}[0-9a-f]{64} {2}z-debusine\.key\n$/)
  })

  test('that cannot be read are refused with the reason', async () => {
    const refused = await run({ kind: 'software-keys', action: 'preview', dump: profile.database })
    expect(refused).toMatchObject({ code: exitCodes.commandFailed, out: '' })
    expect(refused.complaint).toContain('(dump-format)')
    expect((await run({ kind: 'software-keys', action: 'export' })).complaint).toContain('(nothing-to-export)')
  })
})
