import { describe, expect, it } from 'vitest'
import { sampleField } from '../../testing/sample-documents.ts'
import { sampleUploadArtifact } from '../../testing/upload-scenarios.ts'
import { documentsOf } from './document-view.ts'

function documents(change: Parameters<typeof sampleUploadArtifact>[0] = {}, withFields = true) {
  const artifact = sampleUploadArtifact(change)
  if (artifact.upload === undefined) throw new Error('no upload')
  const upload = withFields ? artifact.upload : { ...artifact.upload, debusineFields: null }
  return documentsOf(artifact, upload)
}
const ofChanges = (change: Parameters<typeof sampleUploadArtifact>[0], withFields = true) =>
  documents(change, withFields).find(({ path }) => path.endsWith('.changes'))

describe('the documents of an upload', () => {
  it('are those that are signed, in that order, each with every field that is left', () => {
    expect(documents().map(({ what }) => what)).toEqual(['Source package', 'Record of a build', 'Changes of an upload'])
    expect(documents().map(({ fields }) => fields?.length)).toEqual([11, 11, 2])
  })

  it('say which of the files that they list did not come along', () => {
    const [dsc, , changes] = documents()
    expect(dsc?.listedWords).toBe('2 files, 1 of them not in this upload')
    expect(dsc?.listed.find(({ here }) => !here)?.name).toBe('hello_2.12.orig.tar.xz.asc')
    expect(changes?.listedWords).toBe('4 files, all of them in this upload')
    expect(changes?.listed[0]?.section).toBe('devel optional')
  })

  it('fold what is long by its size, and show what is short at once, whatever the names are', () => {
    const fold = (name: string, value: string) =>
      ofChanges({ others: [sampleField(name, value)] })?.fields?.[0]?.folded ?? null
    expect(fold('Environment', '\n A="1"')).toBeNull()
    expect(fold('Short', 'x'.repeat(400))).toBeNull()
    expect(fold('Short', 'x'.repeat(401))).toBe('1 line, 401 bytes')
    expect(fold('Short', `\n${' x\n'.repeat(2000)} x`)).toBe('2,002 lines, 6,003 bytes (5.9 KiB)')
  })

  it('say how much of a value is not there, and fold it however short the rest is', () => {
    const [field] = ofChanges({ others: [sampleField('X-Cut', 'begin', 70_000)] })?.fields ?? []
    expect(field?.folded).toBe('1 line, 70,005 bytes (68.4 KiB)')
    expect(field?.cut).toContain('70,000 of its 70,005 bytes are not shown, and are signed all the same.')
  })

  it('say of debusine’s own fields that they are replaced, where that is so', () => {
    const others = [sampleField('debusine-user', 'https://example.org/1'), sampleField('Debusine-Other', 'stays')]
    expect(ofChanges({ others })?.fields?.map(({ note }) => note !== null)).toEqual([true, false])
    expect(ofChanges({ others }, false)?.fields?.map(({ note }) => note)).toEqual([null, null])
  })

  it('say of a sheet of before that not every field is on it', () => {
    const artifact = sampleUploadArtifact()
    const files = artifact.files.map((file) => {
      if (file.facts.kind !== 'upload-document') return file
      const { others: _, ...facts } = file.facts
      return { ...file, facts }
    })
    if (artifact.upload === undefined) throw new Error('no upload')
    expect(documentsOf({ files }, artifact.upload).map(({ fields }) => fields)).toEqual([null, null, null])
  })
})
