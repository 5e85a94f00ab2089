import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type WorkRequestId, workRequestId } from '../../src/shared/ids.ts'
import type { WaitingTask } from '../../src/shared/waiting.ts'
import { codeOf, DeskBench, makeSharedTokens, orThrow, type SharedTokens } from '../desk/desk-bench.ts'
import { registerOpenPgp } from '../desk/openpgp-keys.ts'
import { type Bed, type Release, seed, testbed, up } from './testbed.ts'

// What waits for a person at the real servers of both releases, seen and answered with the token of a user of theirs.

interface Ended {
  readonly status: string
  readonly result: string
  readonly artifacts: readonly {
    readonly id: number
    readonly category: string
    readonly files: Readonly<Record<string, { readonly base64?: string }>>
    readonly relations: readonly { readonly type: string; readonly target: number }[]
  }[]
}

describe.each(['stable', 'backports'] as const)('what waits at the real server of Debian %s', (release: Release) => {
  let bed: Bed
  let tokens: SharedTokens
  let bench: DeskBench
  let key: Awaited<ReturnType<typeof registerOpenPgp>>
  const folder = mkdtempSync(join(tmpdir(), 'real-waiting-'))
  const fqdn = `waiting-${randomBytes(4).toString('hex')}.example.org`

  beforeAll(async () => {
    bed = await up(release)
    tokens = await makeSharedTokens()
    const made =
      release === 'stable'
        ? null
        : await testbed(release, 'admin', 'worker', 'create', '--worker-type', 'signing', fqdn)
    bench = await DeskBench.make({
      tokens,
      registerKey: false,
      server: {
        apiUrl: bed.api_url,
        caPem: readFileSync(bed.ca_file, 'utf8'),
        fqdn,
        activationToken: made === null ? null : (/[0-9a-f]{64}/.exec(made)?.[0] ?? null),
        enable: async () => {
          if (release === 'stable') await testbed(release, 'enable-worker', fqdn.replaceAll('.', '-'))
        },
      },
    })
    // As a worker it takes nothing: others test with the same server.
    orThrow(await bench.station.setDuty(false))
    key = await registerOpenPgp(bench, tokens.soft.tokens[0]?.keys[0]?.ckaId ?? '', 'openpgp')
    await be('submitter')
  })
  afterAll(async () => {
    await bench.dispose()
    await tokens.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  const be = (user: keyof Bed['users']) => writeFile(bench.profile.userToken, bed.users[user].token, { mode: 0o600 })
  const list = async () => orThrow(await bench.station.waiting.list())
  const listed = async (id: number): Promise<WaitingTask | undefined> =>
    (await list()).tasks.find((task) => task.workRequestId === id)
  async function ended(id: number): Promise<Ended> {
    const answer: unknown = JSON.parse(await testbed(release, 'work-request', String(id)))
    return (Array.isArray(answer) ? answer[0] : answer) as Ended // our own script
  }

  it('takes the signature of an upload from its maker, and dscverify accepts the whole upload', async () => {
    const { work_request_id: id, artifacts } = await seed(release, 'external-debsign')
    await expect
      .poll(() => listed(id), { timeout: 60_000, interval: 1000 })
      .toMatchObject({
        kind: 'external-debsign',
        upload: { artifactId: artifacts[0], source: 'testbed-hello', version: '1.0' },
        workflow: release === 'stable' ? null : { name: 'testbed-upload' },
      })
    const of = { workRequestId: workRequestId.parse(id), fingerprint: key.fingerprint }
    await be('intruder')
    expect(await listed(id)).toBeUndefined()
    expect(codeOf(await bench.station.desk.takeExternal(of))).toBe('not-yours')
    await be('submitter')
    orThrow(await bench.station.desk.takeExternal(of))
    const detail = await bench.approve(id)
    expect(detail.sheet?.artifacts[0]?.permission).toMatchObject({ kind: 'own-signature', username: 'submitter' })
    await bench.until(id, 'done')
    const { status, result, artifacts: outputs } = await ended(id)
    expect({ status, result }).toEqual({ status: 'completed', result: 'success' })
    const [output, ...more] = outputs
    expect(more).toEqual([])
    expect(output).toMatchObject({
      category: 'debian:upload',
      relations: [{ type: 'relates-to', target: artifacts[0] }],
    })
    const place = mkdtempSync(join(folder, 'upload-'))
    for (const [name, { base64 }] of Object.entries(output?.files ?? {}))
      writeFileSync(join(place, name), Buffer.from(base64 ?? '', 'base64'))
    const changes = Object.keys(output?.files ?? {}).find((name) => name.endsWith('.changes')) ?? ''
    const keyring = join(folder, 'keyring.pgp')
    writeFileSync(keyring, execFileSync('gpg', ['--dearmor'], { input: key.certificate }))
    const ran = spawnSync('dscverify', ['--no-default-keyrings', '--keyring', keyring, join(place, changes)], {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', HOME: folder },
    })
    expect(ran.stdout + ran.stderr).toContain('All files validated successfully.')
    expect(await listed(id)).toBeUndefined()
  })

  it('lets a question be confirmed and refused by those whom the server lets', async (context) => {
    if (release === 'stable') return context.skip('debusine 0.11 has no Confirm task')
    const ask = async (): Promise<WorkRequestId> =>
      workRequestId.parse((await seed(release, 'confirm')).work_request_id)
    const answer = (id: WorkRequestId, confirm: boolean, comment: string | null) =>
      bench.station.waiting.answer({
        workRequestId: id,
        confirm,
        comment,
        words: { confirmLabel: 'Sign it', denyLabel: 'Do not sign', denyAction: 'fail' },
      })
    const [first, second] = [await ask(), await ask()]
    expect(await listed(first)).toMatchObject({ kind: 'confirm', words: { confirmLabel: 'Sign it' }, unsettled: null })
    await be('intruder')
    expect(orThrow(await answer(first, true, null))).toMatchObject({ outcome: 'not-taken' })
    expect(await ended(first)).toMatchObject({ status: 'running' })
    await be('operator')
    expect(orThrow(await answer(first, true, 'looked at it'))).toMatchObject({ outcome: 'taken' })
    expect(await ended(first)).toMatchObject({ status: 'completed', result: 'success' })
    await be('submitter')
    expect(orThrow(await answer(second, false, 'no'))).toMatchObject({ outcome: 'taken' })
    expect(await ended(second)).toMatchObject({ status: 'completed', result: 'failure' })
    expect(codeOf(await answer(second, true, null))).toBe('task-ended')
    expect((await bench.entries('confirmation-answered')).map(({ outcome }) => outcome)).toEqual([
      'not-taken',
      'taken',
      'taken',
    ])
    // Users of the server by their ids there: the operator and the submitter.
    expect((await bench.entries('confirmation-answered')).map(({ endedBy }) => endedBy)).toEqual([null, 2, 3])
  })
})
