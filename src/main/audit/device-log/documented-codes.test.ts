import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { drainFailureCodes } from './failures.ts'
import { deviceFindingCodes } from './finding.ts'

const page = readFileSync(new URL('../../../../docs/formats/device-log.md', import.meta.url), 'utf8')
const section = (number: number) => page.split(/^## /m).find((part) => part.startsWith(`${number}. `)) ?? ''
const inTables = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .flatMap((line) => [...line.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code]) => code))

it('the page names every finding, and no other', () => {
  expect(new Set(inTables(section(7)))).toEqual(new Set(deviceFindingCodes))
})

it('the page names every way in which an answer is refused, and no other', () => {
  // A serial number is refused before a device is asked.
  const codes = drainFailureCodes.filter((code) => code !== 'serial-malformed')
  expect(new Set(inTables(section(4)))).toEqual(new Set(codes))
})
