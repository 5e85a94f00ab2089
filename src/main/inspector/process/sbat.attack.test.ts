import { describe, expect, it } from 'vitest'
import { parseSbat } from './sbat.ts'

const section = (generation: string) =>
  new TextEncoder().encode(`sbat,1,SBAT Version,sbat,1,https://x\nshim,${generation},UEFI shim,shim,1,https://x\n`)

describe('a generation that shim reads as another number', () => {
  it.each(['65537', '99999', '-1', '0x4', '4 ', '', '4.5'])('is a problem and no generation: %j', (generation) => {
    const { rows, problem } = parseSbat(section(generation))
    expect(problem).not.toBeNull()
    expect(rows?.map((row) => row.component)).toEqual(['sbat'])
  })
  it('is none up to 65535', () => {
    expect(parseSbat(section('65535'))).toMatchObject({ problem: null, rows: [{}, { generation: 65_535 }] })
  })
})
