import { describe, expect, it } from 'vitest'
import { visibleString } from '../../parts/untrusted-text.ts'
import { sampleDetail, sampleNow, sampleSheet } from '../../testing/sample-data.ts'
import { sampleUploadArtifact, uploadScenarios } from '../../testing/upload-scenarios.ts'
import { sheetView } from './sheet-view.ts'

function viewOf(name: keyof typeof uploadScenarios) {
  const [detail] = [...uploadScenarios[name]().requests.values()]
  if (detail?.sheet == null) throw new Error(`${name} has no sheet`)
  const view = sheetView(detail, detail.sheet, sampleNow)
  const [artifact] = view.artifacts
  if (artifact?.task == null) throw new Error(`${name} is of no task`)
  return { view, artifact, task: artifact.task }
}
const valueOf = (task: ReturnType<typeof viewOf>['task'], id: string) => {
  const value = task.facts.find((fact) => fact.id === id)?.value
  return value === undefined ? null : 'text' in value ? value.text : value
}

describe('the sheet of an upload', () => {
  it('says what the .changes says, names every package, and asks nothing of boot loaders', () => {
    const { view, artifact, task } = viewOf('upload')
    if (task.kind !== 'upload') throw new Error('not an upload')
    expect(view.headline).toMatchObject({ files: '3 files', skipped: 0 })
    expect(artifact.trustedCerts).toBeNull()
    expect(valueOf(task, 'source')).toBe('hello')
    expect(valueOf(task, 'version')).toBe('2.12-1')
    expect(valueOf(task, 'distribution')).toBe('unstable')
    expect(valueOf(task, 'urgency')).toBe('medium')
    expect(valueOf(task, 'changed-by')).toBe('Robin Example <robin@example.org>')
    expect(valueOf(task, 'closes')).toBe('#1012345 #1023456')
    expect(valueOf(task, 'documents')).toBe(
      'hello_2.12-1.dsc, then hello_2.12-1_amd64.buildinfo, then hello_2.12-1_amd64.changes',
    )
    expect(valueOf(task, 'debusine-fields')).toContain('Debusine-User: https://debusine.example.org/-/user/42/')
    expect(task.packages.map((each) => [each.name, each.architecture, each.kind])).toEqual([
      ['hello-doc', 'all', 'deb'],
      ['hello', 'amd64', 'deb'],
    ])
    expect(task.changes).toContain('New upstream release')
    expect(task.since).toContain('This one is newer.')
    expect(task.rows.map(({ how, name }) => `${how} ${name}`)).toEqual([
      'added hello-doc_…_all.deb',
      'changed hello_…_amd64.deb',
    ])
  })

  it('says of a package that it is not signed itself, and of a signed document that it is signed anew', () => {
    const sheet = sampleSheet({ artifacts: [sampleUploadArtifact({ signedAlready: true })] })
    const [artifact] = sheetView(sampleDetail(sheet), sheet, sampleNow).artifacts
    const file = (end: string) => artifact?.files.find(({ path }) => path.endsWith(end))
    expect(file('.deb')?.facts[0]).toMatchObject({
      value: { text: 'Nothing of its own: what is signed holds its digests' },
    })
    expect(file('.changes')?.flags).toEqual([{ tone: 'neutral', text: 'Signed anew' }])
    expect(file('.changes')?.what).toBe('Changes of an upload')
  })

  it('shows what hides in a text: the view hands it on as it is, and the screen writes it out', () => {
    const { task, view } = viewOf('upload-that-hides')
    if (task.kind !== 'upload') throw new Error('not an upload')
    expect(visibleString(task.changes ?? '')).toContain('Fix [U+202E]gnihton[U+202C] and [U+200B]more.')
    expect(view.checks.find(({ id }) => id === 'upload-whole')?.outcome).toBe('attention')
  })
})

describe('the sheet of a repository index', () => {
  it('says what the Release says, and what changed since the last one', () => {
    const { task } = viewOf('repository-index')
    if (task.kind !== 'index') throw new Error('not an index')
    expect(valueOf(task, 'codename')).toBe('forky')
    expect(valueOf(task, 'components')).toBe('main contrib')
    expect(valueOf(task, 'by-hash')).toBe('yes')
    expect(valueOf(task, 'indexes')).toBe('482 files')
    expect(valueOf(task, 'other-0')).toBe('Changelogs: https://metadata.example.org/@CHANGEPATH@_changelog')
    expect(valueOf(task, 'output')).toBe('InRelease: the text with its signature')
    expect(task.since).toContain('2 added, 0 removed, 214 changed, 266 unchanged')
    expect(task.more).toBe(213)
    expect(task.rows[0]).toEqual({
      how: 'changed',
      name: 'Architectures',
      detail: '“all amd64”, now “all amd64 arm64”',
    })
  })
})
