import { describe, expect, it } from 'vitest'
import { sampleNow, sampleSheet } from '../../testing/sample-data.ts'
import { softwareSheet } from '../../testing/sample-sheets.ts'
import { keyView } from './key-view.ts'

const origin = (sheet: ReturnType<typeof sampleSheet>) => {
  const fact = keyView(sheet, sampleNow).facts.find(({ id }) => id === 'key-origin')
  return [fact?.source, fact?.assurance]
}

describe('where a key was born', () => {
  it('is the token’s word for a key on a token, and the station’s own for one that it made', () => {
    expect(origin(sampleSheet())).toEqual(['token', 'claimed'])
    expect(origin(softwareSheet())).toEqual(['station', 'verified'])
  })
})
