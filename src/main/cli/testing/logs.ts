import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import type { AuditEntryBody } from '../../audit/format/entry.ts'
import { formatVerifierKey } from '../../audit/format/signed-note.ts'
import { checkpointedStation } from '../../audit/testing/checkpointed-station.ts'
import { sampleEntries } from '../../audit/testing/sample-entries.ts'
import { sampleKey } from '../../audit/testing/sample-log.ts'
import { parseCommandLine } from '../verify-arguments.ts'
import { verifyTarget } from '../verify-target.ts'

const folder = mkdtempSync(join(tmpdir(), 'station-verify-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})
export const at = (name: string) => join(folder, name)
export const vkey = formatVerifierKey(sampleKey().key)
export const bodies = sampleEntries()
export const size = bodies.length

export function verify(target: string, ...options: readonly string[]) {
  const wanted = parseCommandLine([...options, target])
  if (wanted.kind !== 'wanted') throw new Error('wrong usage')
  return verifyTarget(wanted.wanted)
}

/** With the verifier key and the last checkpoint, both kept elsewhere. */
export const known = ['--vkey', vkey, '--checkpoint', at('last.checkpoint')]

/** Two stations with checkpoints, their exports, and what an auditor kept of them, for the tests of one file. */
export function prepareLogs(): void {
  beforeAll(async () => {
    const station = await checkpointedStation(at('station.db'))
    // One at a time: the same bytes as in sampleLog.
    for (const body of bodies.slice(0, 8)) await station.write(body)
    writeFileSync(at('older.checkpoint'), await station.checkpoint())
    for (const body of bodies.slice(8)) await station.write(body)
    writeFileSync(at('last.checkpoint'), await station.checkpoint())
    await station.exportTo(at('whole.jsonl'))
    await station.exportTo(at('part.jsonl'), {
      requestId: '6f1c2f6e-3f0a-4c0e-9a55-0d6c5b8f1a10',
      since: '2026-01-02T03:04:06.000Z',
    })
    await station.close()
    copyFileSync(at('station.db'), at('copy.db'))
    const stranger = await checkpointedStation(at('other.db'), sampleKey('other', 'station.example.net/signing-log/1'))
    await stranger.write(...bodies)
    writeFileSync(at('other.checkpoint'), await stranger.checkpoint())
    await stranger.exportTo(at('other.jsonl'))
    await stranger.close()
  })
}

/** What a forger who has this program would rather have signed. */
export const forged = bodies.map(
  (body): AuditEntryBody => (body.event === 'intent' ? { ...body, path: 'boot/shim.efi' } : body),
)
