import { describe, expect, it } from 'vitest'
import { sampleKey } from '../../testing/sample-data.ts'
import { fittingKeys, pathProblem, proposedMode, signAsOptions } from './open-files-view.ts'

describe('what opened files are proposed to be signed as', () => {
  it.each([
    [['/a/hello_1.0_amd64.changes'], 'debian-upload'],
    [['/a/Release'], 'release-clear'],
    [['/a/grubx64.efi', '/a/shimx64.EFI'], 'uefi-detached'],
    [['/a/grubx64.efi', '/a/note.txt'], null],
    [['/a/hello_1.0.dsc'], 'openpgp-clear'],
    [['/a/blob'], null],
    [['/a/NotRelease'], null],
    [[], null],
  ])('%j: %s', (paths, mode) => {
    expect(proposedMode(paths)).toBe(mode)
  })

  it('has keys of its purpose that are active, and no others', () => {
    const key = sampleKey()
    const suspended = { ...key, state: 'suspended' } as const
    expect(fittingKeys([key, suspended], 'uefi-detached')).toEqual([key])
    expect(fittingKeys([key], 'openpgp-clear')).toEqual([])
    expect(fittingKeys([key], null)).toEqual([])
  })

  it('offers every mode once, and takes whole paths only', () => {
    expect(new Set(signAsOptions.map(({ value }) => value)).size).toBe(signAsOptions.length)
    expect(pathProblem('relative')).not.toBeNull()
    expect(pathProblem('/whole')).toBeNull()
  })
})
