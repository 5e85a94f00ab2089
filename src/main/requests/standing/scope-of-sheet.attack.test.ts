import { describe, expect, it } from 'vitest'
import type { ReviewSheet, SheetArtifact } from '../../../shared/review-sheet.ts'
import { scopeOfSheet } from './scope-of-sheet.ts'

/** What of a sheet says what it is about; the rest decides nothing here. */
interface Names {
  readonly server?: string
  readonly scope?: string | null
  readonly workspace?: string
  readonly task?: 'sign' | 'debsign' | 'signrepositoryindex'
  readonly named?: string
  readonly suite?: string | null
  readonly codename?: string | null
}

function sheet(names: Names = {}): ReviewSheet {
  const { server = 'https://a.example', scope = 'debian', workspace = 'base', task = 'signrepositoryindex' } = names
  const { named = 'forky@debian:suite', suite = 'testing', codename = 'forky' } = names
  const artifact = {
    files: [{ facts: { kind: 'release', suite, codename } }],
    repositoryIndex: { suite: named, mode: 'clear', signedName: 'InRelease', last: null },
  } as unknown as SheetArtifact // only what is read
  return { workRequest: { server, scope, workspace, task }, artifacts: [artifact] } as unknown as ReviewSheet
}

describe('what an approval could be given ahead for', () => {
  it('is another one with any name that differs', () => {
    const all = [
      {},
      { server: 'https://a.example:8443' },
      { server: 'http://a.example' },
      { scope: 'kali' },
      { scope: null },
      { workspace: 'base2' },
      { named: 'forky@debian' },
      { named: 'f\u043erky@debian:suite' },
      { named: 'forky@debian:suite ' },
      { named: 'Forky@debian:suite' },
      // Letters that are written alike and stored otherwise.
      { named: 'caf\u00e9' },
      { named: 'cafe\u0301' },
      { suite: 'stable' },
      { suite: null },
      { codename: 'trixie' },
      { suite: 'forky', codename: 'testing' },
      // Names that would run together without quotes, and halves of a pair, which text cannot hold.
      { scope: 'debian","base' },
      { workspace: 'base","forky@debian:suite' },
      { named: '\ud800' },
      { named: '\ud801' },
      { named: '\ufffd' },
    ] satisfies readonly Names[]
    const scopes = all.map((names) => scopeOfSheet(sheet(names)))
    expect(new Set(scopes).size).toBe(all.length)
    for (const scope of scopes) expect(scope?.isWellFormed()).toBe(true)
  })

  it('is nothing where it is no index, more than one, or longer than the log can name', () => {
    const { artifacts, ...rest } = sheet()
    const [artifact] = artifacts
    if (artifact === undefined) throw new Error('there is no artifact')
    expect(scopeOfSheet(sheet({ task: 'debsign' }))).toBeNull()
    expect(scopeOfSheet({ ...rest, artifacts: [] })).toBeNull()
    expect(scopeOfSheet({ ...rest, artifacts: [artifact, artifact] })).toBeNull()
    expect(scopeOfSheet({ ...rest, artifacts: [{ ...artifact, files: [...artifact.files, ...artifact.files] }] })).toBe(
      null,
    )
    expect(scopeOfSheet(sheet({ codename: 'x'.repeat(929) }))).toHaveLength(1000)
    expect(scopeOfSheet(sheet({ codename: 'x'.repeat(930) }))).toBeNull()
  })
})
