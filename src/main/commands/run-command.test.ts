import { chmodSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openStationDatabase } from '../../../db/open.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { createAuditLog } from '../audit/create-audit-log.ts'
import type { Command } from '../config/command-line.ts'
import { exitCodes } from '../config/exit-codes.ts'
import { type Profile, prepareProfile, profileAt } from '../config/profile.ts'
import { claimInstance } from '../desktop/single-instance.ts'
import { createSoftwareKey } from '../keys/create-software-key.ts'
import { stderrLog } from '../log/logger.ts'
import { createStation } from '../station/log-key.ts'
import { createTokenService } from '../token/service.ts'
import { runCommand } from './run-command.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

const tokenHost = fileURLToPath(new URL('../token/host/index.ts', import.meta.url))
const log = stderrLog(() => {})

describe('a command for a station whose window is closed', () => {
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
    const now = () => new Date()
    const names = { stationName: 'station', operatorName: 'Custodian' }
    const station = await createStation({ profile, tokens, version: '0', now }, names)
    if (!station.ok) throw new Error(station.error.message)
    const { db } = station.value
    await createSoftwareKey({ db, audit: createAuditLog(db, now), tokens, now }, 'First', 'Custodian')
    await tokens.reset()
    await station.value.close()
  })
  afterEach(() => vi.restoreAllMocks())

  async function run(command: Command): Promise<{ code: number; out: string; complaint: string }> {
    let out = ''
    let complaint = ''
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
  const serviceKey = (action: 'new' | 'list' | 'reencrypt') => run({ kind: 'service-key', action })

  test('makes a service key, lists them, and seals all anew with the newest; a checkpoint covers what was entered', async () => {
    const made = await serviceKey('new')
    expect({ code: made.code, complaint: made.complaint }).toEqual({ code: 0, complaint: '' })
    const [, print = '', file = ''] = /^([0-9a-f]{64}) {2}(\S+\.key)\n/.exec(made.out) ?? []
    expect(readdirSync(profile.serviceKeys).sort()[0]).toBe(file)
    expect(made.out).toContain('2 sealed with older service keys')
    const before = await serviceKey('list')
    expect(before.code).toBe(0)
    expect(before.out).toContain(`  ${print}  ${file}  opens 0, encrypts\n`)
    expect(before.out).toMatch(/ {2}service-[0-9a-f]{8}\.key {2}opens 2\n/)
    const sealed = await serviceKey('reencrypt')
    expect(sealed.out).toContain(`Sealed anew with ${print}: 2; already so: 0; kept as before: 0.`)
    expect(sealed.code).toBe(0)
    expect((await serviceKey('reencrypt')).out).toContain('already so: 2')

    const station = await openStationDatabase(profile.database)
    if (!station.ok) throw new Error(station.error.message)
    const { db } = station.value
    const events = (await db.selectFrom('audit_entry').select('event').orderBy('seq').execute()).map(
      ({ event }) => event,
    )
    const checkpoint = await db
      .selectFrom('audit_checkpoint')
      .select((eb) => eb.fn.max('size').as('size'))
      .execute()
    await station.value.close()
    expect(events.filter((event) => event.startsWith('service-key') || event === 'key-reencrypted')).toEqual([
      'service-key-added',
      'service-key-added',
      'key-reencrypted',
      'key-reencrypted',
    ])
    expect(checkpoint).toEqual([{ size: events.length }])
  })

  test('says which service key is missing, and does what it can', async () => {
    const [old = ''] = readdirSync(profile.serviceKeys)
    const listed = await serviceKey('list')
    const [, print = ''] = /([0-9a-f]{64}) {2}service-/.exec(listed.out) ?? []
    await serviceKey('new')
    renameSync(join(profile.serviceKeys, old), join(profile.dir, old))
    const without = await serviceKey('list')
    expect(without.code).toBe(exitCodes.commandFailed)
    expect(without.out).toContain(`MISSING ${print}, needed for: “First”, “Key of the audit log”`)
    const kept = await serviceKey('reencrypt')
    expect(kept.code).toBe(exitCodes.commandFailed)
    expect(kept.out).toContain('kept as before: 2.')
    expect(kept.out).toContain(`sealed with the service key ${print}`)
    expect(kept.out).toContain(`not in ${profile.serviceKeys}`)
  })

  test('says which file is not safe', async () => {
    const [file = ''] = readdirSync(profile.serviceKeys)
    chmodSync(join(profile.serviceKeys, file), 0o640)
    const listed = await serviceKey('list')
    expect(listed.code).toBe(exitCodes.commandFailed)
    expect(listed.out).toContain(`NOT SAFE TO USE, so none is used: ${file} has mode 0640, not 0600`)
    expect(await serviceKey('new')).toMatchObject({ code: exitCodes.commandFailed, out: '' })
  })

  test('is refused while a window of the profile is open', async () => {
    const instance = await claimInstance(join(profile.runtime, 'station.sock'))
    if (!instance.ok) throw new Error(instance.error.message)
    const refused = await serviceKey('new')
    await instance.value.release()
    expect(refused).toMatchObject({ code: exitCodes.alreadyRunning, out: '' })
    expect(readdirSync(profile.serviceKeys)).toHaveLength(1)
  })

  test('is refused where there is no station', async () => {
    profile = profileAt(tempFolder(), {})
    expect(await serviceKey('list')).toMatchObject({ code: exitCodes.commandFailed, out: '' })
  })
})
