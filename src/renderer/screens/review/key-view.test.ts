import { describe, expect, it } from 'vitest'
import { noExpiry } from '../../../shared/no-expiry.ts'
import type { SheetAttestation } from '../../../shared/review-sheet.ts'
import { sampleNow, sampleSheet } from '../../testing/sample-data.ts'
import { softwareSheet } from '../../testing/sample-sheets.ts'
import { severalScenarios } from '../../testing/several-scenarios.ts'
import { keyViews, productionOf } from './key-view.ts'
import { sheetView } from './sheet-view.ts'

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

it('says of a certificate without an end that it has none, not how many days are left', () => {
  const until = (notAfter: string) => {
    const sheet = sampleSheet()
    const { registered } = sheet.key
    if (registered === null) throw new Error('the sample key is registered')
    const certificate = { ...registered.certificate, notAfter }
    const [{ facts }] = keyViews(
      { ...sheet, key: { ...sheet.key, registered: { ...registered, certificate } } },
      sampleNow,
    )
    return facts.find(({ id }) => id === 'key-valid')?.value
  }
  expect(until(noExpiry)).toEqual({ kind: 'text', text: 'Does not expire' })
  expect(until('2028-01-10T00:00:00.000Z')).toEqual({ kind: 'text', text: '2028-01-10 (415 days left)' })
})

describe('several keys', () => {
  const viewOf = (name: keyof typeof severalScenarios) => {
    const [detail] = [...severalScenarios[name]().requests.values()]
    if (detail?.sheet == null) throw new Error(`${name} has no sheet`)
    return sheetView(detail, detail.sheet, sampleNow)
  }
  const factOf = (key: ReturnType<typeof keyViews>[number] | undefined, id: string) =>
    key?.facts.find((fact) => fact.id === id)

  it('are all there, in order, each with its own answer of the server and its own past', () => {
    const { keys } = viewOf('several-three')
    expect(keys.map(({ number, of, place }) => `${number} of ${of}: ${place}`)).toEqual([
      '1 of 3: YubiKey YK5, serial 18204417',
      '2 of 3: YubiHSM, serial 07550140',
      '3 of 3: YubiKey YK5, serial 23917755',
    ])
    expect(keys.map((key) => factOf(key, 'key-permission')?.value)).toMatchObject([
      { text: 'Allowed for kernel-uploader (user number 42)' },
      { text: 'Allowed for kernel-uploader (user number 42)' },
      { text: expect.stringMatching(/waits for the signature of release-team/) },
    ])
    expect(keys.map((key) => factOf(key, 'key-signed-before')?.value)).toMatchObject([
      { text: 'No, not at this station' },
      { text: 'No, not at this station' },
      { text: expect.stringMatching(/work request 10397; 2026-/) },
    ])
  })

  it('are a production signature when one of them is, and a single key keeps its facts as they were', () => {
    const { keys, production } = viewOf('several-software')
    expect(keys.map((key) => key.production)).toEqual([true, false])
    expect(production).toBe(true)
    expect(productionOf(keys.slice(1))).toBe(false)
    expect(viewOf('several-not-allowed').production).toBe(true)
    const [only] = keyViews(sampleSheet(), sampleNow)
    expect(only.facts.map(({ id }) => id)).not.toContain('key-permission')
  })

  it('have one permission fact for all that have the same answer', () => {
    const labels = (name: keyof typeof severalScenarios) =>
      viewOf(name)
        .asked.map(({ label }) => label)
        .filter((label) => label.startsWith('Permission'))
    expect(labels('several-two-tokens')).toEqual(['Permission, all keys'])
    expect(labels('several-not-allowed')).toEqual(['Permission, keys 1 and 3', 'Permission, key 2'])
  })

  it('have the file say which of them signed it before, and the box name them', () => {
    const { artifacts, decision } = viewOf('several-three')
    expect(artifacts[0]?.files[0]?.signedBefore).toMatchObject({
      title: 'Signed before by these keys, at this station',
      lines: [
        expect.stringMatching(/^By key 3: 2026-.*work request 10397$/),
        expect.stringMatching(/^By key 3: 2026-/),
      ],
    })
    expect(decision).toMatchObject({
      acknowledge: [{ id: 'signed-before', statement: expect.stringMatching(/one of these keys/) }],
    })
  })
})
