import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { SbatRow } from '../../shared/input-facts.ts'
import { checkSbatLevel } from './sbat-level.ts'
import { inputWithFiles, opaque, sampleFile, samplePe, skippedModule } from './testing/sample-input.ts'

const row = (component: string, generation: number): SbatRow => ({
  component,
  generation,
  vendor: 'v',
  package: 'p',
  version: '1',
  url: 'https://example.org',
})
const check = (facts: Partial<ReturnType<typeof samplePe>>) =>
  checkSbatLevel(inputWithFiles(sampleFile({ facts: samplePe(facts) })))

describe('SBAT generations against the revocation level', () => {
  test('at the level and above it pass', () => {
    expect(check({ sbat: [row('sbat', 1), row('grub', 5)] }).outcome).toBe('passed')
    expect(check({ sbat: [row('sbat', 1), row('shim', 5)] }).outcome).toBe('passed')
  })
  test('below it is refused, and says which component, which generation and what is demanded', () => {
    expect(check({ sbat: [row('sbat', 1), row('shim', 4), row('grub', 4)] })).toMatchObject({
      outcome: 'refused',
      evidence: [{ found: 'grub is generation 4; the level demands 5' }],
    })
  })
  test('a vendor’s own component counts for itself alone', () => {
    expect(check({ sbat: [row('grub', 5), row('grub.proxmox', 1)] }).outcome).toBe('refused')
    expect(check({ sbat: [row('grub', 5), row('grub.debian', 1)] }).outcome).toBe('passed')
  })
  test('a component that is not on the level passes with any generation', () => {
    expect(check({ sbat: [row('systemd', 0)] }).outcome).toBe('passed')
  })
  test('no rows wants attention, also of what has the marks of a Linux kernel: anyone can put them into a file', () => {
    expect(check({ sbat: null }).outcome).toBe('attention')
    expect(check({ sbat: null, role: 'linux-kernel' }).outcome).toBe('attention')
  })
  test('rows that cannot be read are unknown, whatever else was read', () => {
    expect(check({ sbatProblem: 'Row 2 has no generation.', sbat: [row('grub', 5)] })).toMatchObject({
      outcome: 'unknown',
      evidence: [{ found: 'Row 2 has no generation.' }],
    })
    expect(check({ sbatProblem: 'The section is cut.', sbat: null, role: 'linux-kernel' }).outcome).toBe('unknown')
  })
  test('a file that is no image is unknown', () => {
    expect(checkSbatLevel(inputWithFiles(sampleFile({ facts: opaque }))).outcome).toBe('unknown')
  })
  test('does not apply where nothing is signed', () => {
    expect(checkSbatLevel(inputWithFiles(skippedModule(0))).outcome).toBe('not-applicable')
  })
})

describe('the level that is shipped', () => {
  const shipped = z
    .strictObject({
      date: z.iso.date(),
      variable: z.string().regex(/^sbat,1,\d{10}$/),
      source: z.string().min(20),
      minimumGenerations: z.record(z.string().regex(/^[a-z0-9._-]+$/), z.int().positive()),
    })
    .parse(JSON.parse(readFileSync(new URL('../../../resources/sbat-level.json', import.meta.url), 'utf8')))

  test('is dated as the variable that it was taken from', () => {
    expect(shipped.variable.slice('sbat,1,'.length, -2)).toBe(shipped.date.replaceAll('-', ''))
  })
  test('names the boot loaders that were revoked before', () => {
    expect(shipped.minimumGenerations).toMatchObject({ shim: expect.any(Number), grub: expect.any(Number) })
  })
  test('refuses a shim and a GRUB of one generation less than it demands', () => {
    for (const [component, generation] of Object.entries(shipped.minimumGenerations)) {
      const input = inputWithFiles(sampleFile({ facts: samplePe({ sbat: [row(component, generation - 1)] }) }))
      expect(checkSbatLevel({ ...input, sbatLevel: shipped }).outcome).toBe('refused')
    }
  })
})
