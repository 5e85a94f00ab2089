import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { ok } from '../../shared/result.ts'
import { formatVerifierKey } from '../audit/format/signed-note.ts'
import { type LogSigner, openLogKey } from '../audit/log-key.ts'
import { auditStation } from '../audit/testing/audit-station.ts'
import { logSignerAt } from '../audit/testing/log-signer.ts'
import { sampleKey } from '../audit/testing/sample-log.ts'
import { insertLogKey, storedLogKey } from '../audit/tree.repository.ts'
import { prepareProfile, profileAt } from '../config/profile.ts'
import { addLogKey, type BirthParts } from './log-key.ts'

const names = { stationName: 'desk', operatorName: 'Release Manager' }

async function bench() {
  const profile = profileAt(tempFolder(), {})
  prepareProfile(profile)
  const keys = join(profile.dir, 'sealing')
  mkdirSync(keys, { mode: 0o700 })
  const signer = logSignerAt(keys)
  const station = await auditStation(profile.database)
  const parts = (more: Partial<LogSigner> = {}): BirthParts => ({
    profile,
    // As the token process answers; what is not needed here is not there.
    tokens: { ...signer, ...more, ensureServiceKey: async () => ok('there') } as unknown as BirthParts['tokens'],
    version: '0',
    now: () => new Date(0),
  })
  const aside = () => readdirSync(profile.dir).filter((name) => name.includes('.unused-'))
  const inFile = () => {
    const opened = openLogKey(profile.logKey, signer)
    return opened.ok ? opened.value.vkey : opened.error.code
  }
  return { profile, signer, station, parts, aside, inFile }
}

describe('making the key of the log', () => {
  it.each(Array.from({ length: 24 }, (_, turns) => turns * 2))(
    'twice, the second %i turns later, leaves the key in the file that the log names',
    async (turns) => {
      const { station, parts, inFile } = await bench()
      const one = addLogKey(parts(), station, station.log, names)
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve()
      const two = addLogKey(parts(), station, station.log, names)
      const made = await Promise.all([one, two])
      expect(made.filter((each) => each.ok)).toHaveLength(1)
      expect(inFile()).toBe(await storedLogKey(readerOf(station.db)))
      await station.close()
    },
  )

  it('puts the file back when the log has got another key meanwhile, and keeps the new one aside', async () => {
    const { profile, signer, station, parts, aside } = await bench()
    writeFileSync(profile.logKey, 'the first')
    const made = await addLogKey(
      parts({
        makeLogKey: async () => {
          await station.db
            .transaction()
            .execute((trx) => insertLogKey(trx, formatVerifierKey(sampleKey().key), '2026-01-01T00:00:00.000Z'))
          return signer.makeLogKey()
        },
      }),
      station,
      station.log,
      names,
    )
    expect(made).toMatchObject({ ok: false, error: { code: 'log-key-exists' } })
    expect(readFileSync(profile.logKey, 'utf8')).toBe('the first')
    expect(aside()).toHaveLength(1)
    await station.close()
  })

  it('puts the file back when none was made', async () => {
    const { profile, station, parts, aside } = await bench()
    writeFileSync(profile.logKey, 'unfinished')
    const gone = { kind: 'unavailable', code: 'helper-gone', message: 'Gone.' } as const
    const made = await addLogKey(
      parts({ makeLogKey: async () => ({ ok: false, error: gone }) }),
      station,
      station.log,
      names,
    )
    expect(made).toMatchObject({ ok: false, error: { code: 'helper-gone' } })
    expect(existsSync(profile.logKey) && readFileSync(profile.logKey, 'utf8')).toBe('unfinished')
    expect(aside()).toEqual([])
    await station.close()
  })
})
