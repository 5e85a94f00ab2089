import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareVersions, parseVersion } from './version.ts'

const part = fc.string({ unit: fc.constantFrom('0', '0', '1', '9', 'a', 'A', 'z', '.', '+', '~'), maxLength: 8 })
const version = fc
  .tuple(fc.option(fc.nat({ max: 3 }), { nil: null }), fc.nat({ max: 12 }), part, fc.option(part, { nil: null }))
  .map(([epoch, first, rest, revision]) => {
    const upstream = `${first}${rest}`
    return `${epoch === null ? '' : `${epoch}:`}${upstream}${revision === null || revision === '' ? '' : `-${revision}`}`
  })

/** One shell for all pairs: a process for each comparison takes longer than all of them. */
function dpkgOrder(pairs: readonly (readonly [string, string])[]): readonly number[] {
  const script = `while read -r a b; do
    if dpkg --compare-versions "$a" lt "$b"; then echo -1; elif dpkg --compare-versions "$a" eq "$b"; then echo 0; else echo 1; fi
  done`
  const ran = spawnSync('sh', ['-c', script], {
    input: pairs.map((pair) => `${pair.join(' ')}\n`).join(''),
    encoding: 'utf8',
  })
  expect(ran.status).toBe(0)
  return ran.stdout.trim().split('\n').map(Number)
}

function order(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)]
  if (left === null || right === null) throw new Error(`not a version: ${a} or ${b}`)
  return Math.sign(compareVersions(left, right))
}

describe('versions', () => {
  test('are ordered as dpkg orders them', () => {
    const known = [
      '1.0~rc1-1',
      '1.0-1',
      '1.0-1+b1',
      '1:0.9',
      '2.0',
      '1.0',
      '1.0-0',
      '1.00',
      '0:1.0',
      '1.0a',
      '1.0+',
      '1.0~~',
      '1.0~',
    ]
    const pairs = [
      ...known.flatMap((a) => known.map((b) => [a, b] as const)),
      ...fc.sample(fc.tuple(version, version), { numRuns: 250, seed: 20260 }),
    ]
    expect(pairs.map(([a, b]) => order(a, b))).toEqual(dpkgOrder(pairs).map((each) => Math.sign(each)))
  })

  test('are taken where dpkg takes them, and refused where it does not', () => {
    for (const bad of [
      '',
      'a1',
      ':1',
      '1:',
      'x:1',
      '1-',
      '-1',
      '1_2',
      '1 2',
      '1-2_3',
      '99999999999:1',
      '3000000000:1',
      '1/2',
      '../1',
    ])
      expect(parseVersion(bad), bad).toBeNull()
    for (const good of ['0', '1:2:3-4', '1.0-1-2', '1.2.3+dfsg~rc1-4ubuntu1'])
      expect(parseVersion(good), good).not.toBeNull()
  })

  test('hold numbers of any length', () => {
    const long = '9'.repeat(200)
    expect(order(`1.${long}0`, `1.${long}`)).toBe(1)
    expect(order(`1.${'0'.repeat(100)}7`, '1.7')).toBe(0)
  })
})
