import { describe, expect, it } from 'vitest'
import type { SheetAttestation } from '../../../shared/review-sheet.ts'
import { sampleNow, sampleSheet } from '../../testing/sample-data.ts'
import { softwareSheet } from '../../testing/sample-sheets.ts'
import { keyViews } from './key-view.ts'

const origin = (sheet: ReturnType<typeof sampleSheet>) => {
  const fact = keyViews(sheet, sampleNow)[0].facts.find(({ id }) => id === 'key-origin')
  return [fact?.source, fact?.assurance]
}

describe('where a key was born', () => {
  it('is the token’s word for a key on a token, and the station’s own for one that it made', () => {
    expect(origin(sampleSheet())).toEqual(['token', 'claimed'])
    expect(origin(softwareSheet())).toEqual(['station', 'verified'])
  })
})

describe('what its maker says of a key', () => {
  const attested = (attestation: SheetAttestation | null | undefined) => {
    const sheet = sampleSheet()
    const { registered } = sheet.key
    if (registered === null) throw new Error('the sample key is registered')
    const [{ facts }] = keyViews(
      { ...sheet, key: { ...sheet.key, registered: { ...registered, attestation } } },
      sampleNow,
    )
    const fact = facts.find(({ id }) => id === 'key-attestation')
    return fact === undefined ? null : [fact.value, fact.source, fact.assurance]
  }
  const none: SheetAttestation = { result: 'none', root: null, failedBefore: false, seq: null }
  const root = { name: 'CN=Maker', source: 'shipped' } as const

  it('is this station’s finding only where it was verified', () => {
    expect(attested({ ...none, result: 'generated', root })).toEqual([
      { kind: 'name', text: 'generated in the token, verified up to CN=Maker' },
      'station',
      'verified',
    ])
    expect(attested({ ...none, result: 'imported', root: { ...root, source: 'operator' } })?.[0]).toEqual({
      kind: 'name',
      text: 'imported into the token, verified up to CN=Maker, a root added here',
    })
    expect(attested({ ...none, result: 'not-verified' })?.slice(1)).toEqual(['token', 'claimed'])
    expect(attested({ ...none, result: 'failed' })?.slice(1)).toEqual(['station', 'unknown'])
    expect(attested(none)?.slice(1)).toEqual(['station', 'unknown'])
  })
  it('is not forgotten when it failed once', () => {
    expect(JSON.stringify(attested({ ...none, result: 'generated', root, failedBefore: true }))).toContain(
      'an earlier one failed',
    )
  })
  it('is nothing for a key in software, and on a sheet of a time before', () => {
    expect(attested(null)).toBeNull()
    expect(attested(undefined)).toBeNull()
  })
})
