import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Check, checkId, checkOutcome } from '../../shared/check.ts'
import { approvability, evaluate, waitsForKey } from './evaluate.ts'
import type { PolicyInput } from './policy-input.ts'
import {
  inputWithFiles,
  opaque,
  sampleArtifact,
  sampleFile,
  sampleKey,
  samplePe,
  samplePolicyInput,
  skippedModule,
} from './testing/sample-input.ts'

const failure = { kind: 'unavailable', code: 'token-absent', message: 'The token is not here.' } as const
const make = (id: Check['id'], outcome: Check['outcome']): Check => ({ id, outcome, sentence: 'x', evidence: [] })
const arbitraryCheck = fc
  .tuple(fc.constantFrom(...checkId.options), fc.constantFrom(...checkOutcome.options))
  .map(([id, outcome]) => make(id, outcome))

describe('whether a sheet can be approved', () => {
  test('no checks at all is not “all passed”: it blocks', () => {
    expect(approvability([])).toEqual({ kind: 'blocked', by: [] })
  })
  test('one refused or unknown check blocks, however many passed, and is named', () => {
    fc.assert(
      fc.property(fc.array(arbitraryCheck, { minLength: 1 }), (checks) => {
        const bad = checks.filter((check) => check.outcome === 'refused' || check.outcome === 'unknown')
        const may = approvability(checks)
        if (bad.length > 0) expect(may).toEqual({ kind: 'blocked', by: bad.map((check) => check.id) })
        else expect(may.kind).toBe('approvable')
      }),
    )
  })
  test('it waits for its key only if the key is all that is missing, and can come', () => {
    fc.assert(
      fc.property(fc.array(arbitraryCheck, { minLength: 1 }), (checks) => {
        const others = checks.filter(({ id, outcome }) => id !== 'token-present' || outcome !== 'unknown')
        const expected =
          others.length < checks.length && approvability([make('sbat-level', 'passed'), ...others]).kind !== 'blocked'
        expect(waitsForKey(checks)).toBe(expected)
      }),
    )
    expect(waitsForKey([make('token-present', 'refused')])).toBe(false)
    expect(waitsForKey([make('token-present', 'unknown'), make('permission', 'attention')])).toBe(true)
  })
  test('each check that wants attention has to be acknowledged by its name', () => {
    const checks = [
      make('permission', 'passed'),
      make('trusted-certs', 'attention'),
      make('signed-before', 'attention'),
    ]
    expect(approvability(checks)).toEqual({ kind: 'approvable', acknowledge: ['trusted-certs', 'signed-before'] })
  })
})

describe('the checklist', () => {
  test('makes every check that has a name, once for each task that it is for', () => {
    const tasks = ['sign', 'debsign', 'signrepositoryindex'] as const
    const each = tasks.map((task) => evaluate({ ...samplePolicyInput(), task }).map((check) => check.id))
    for (const made of each) expect(new Set(made).size).toBe(made.length)
    const made = new Set(each.flat())
    expect([...made].sort()).toEqual([...checkId.options].sort())
  })
  test('asks what the objects trust before it asks what the server permits, as debusine’s own worker does', () => {
    const made = evaluate(samplePolicyInput()).map((check) => check.id)
    expect(made.indexOf('trusted-certs')).toBeLessThan(made.indexOf('permission'))
  })
  test('a good request is approvable with nothing to acknowledge', () => {
    expect(approvability(evaluate(samplePolicyInput()))).toEqual({ kind: 'approvable', acknowledge: [] })
  })
  test('every outcome has a sentence', () => {
    const inputs = [...Object.values(blocking), samplePolicyInput(), inputWithFiles(skippedModule(0)), inputWithFiles()]
    for (const check of inputs.flatMap((input) => evaluate(input))) expect(check.sentence, check.id).not.toBe('')
  })

  const blocking: Readonly<Record<string, PolicyInput>> = {
    'the server aborted it': samplePolicyInput({ held: { kind: 'gone' } }),
    'the server cannot be asked': samplePolicyInput({ held: { kind: 'not-answered', failure } }),
    'a file changed in the spool': samplePolicyInput({ spool: new Map([[0, 'changed']]) }),
    'a file cannot be read back': samplePolicyInput({ spool: new Map([[0, 'unreadable']]) }),
    'nobody looked at the spool': samplePolicyInput({ spool: new Map() }),
    'an untrusted certificate': samplePolicyInput({
      artifacts: [
        sampleArtifact({
          trustedCerts: { kind: 'declared', certificates: [{ fingerprint: 'AB'.repeat(32), trusted: false }] },
        }),
      ],
    }),
    'no permission': samplePolicyInput({
      artifacts: [
        sampleArtifact({
          permission: { kind: 'answered', allowed: false, username: 'x', userId: 1, resource: {} },
        }),
      ],
    }),
    'no answer about permission': samplePolicyInput({
      artifacts: [sampleArtifact({ permission: { kind: 'not-answered', reason: 'time-out' } })],
    }),
    'the server knows no such key': samplePolicyInput({
      artifacts: [sampleArtifact({ permission: { kind: 'no-such-key' } })],
    }),
    'no such key here': samplePolicyInput({ key: null }),
    'a suspended key': samplePolicyInput({ key: sampleKey({ state: 'suspended' }) }),
    'an absent token': samplePolicyInput({ token: { kind: 'unusable', failure } }),
    'an expired certificate': samplePolicyInput({ now: new Date('2030-01-01T00:00:00.000Z') }),
    'a layout with two readings': inputWithFiles(
      sampleFile({ facts: samplePe({ layoutFaults: [{ code: 'gap', message: 'A gap.' }] }), toBeSigned: null }),
    ),
    'a file that is no image': inputWithFiles(sampleFile({ facts: opaque, toBeSigned: null })),
    'a revoked generation': inputWithFiles(
      sampleFile({
        facts: samplePe({
          sbat: [{ component: 'shim', generation: 3, vendor: 'v', package: 'p', version: '1', url: 'u' }],
        }),
      }),
    ),
    'nothing but kernel modules': inputWithFiles(skippedModule(0)),
    'no file at all': inputWithFiles(),
    'no artifact at all': samplePolicyInput({ artifacts: [], spool: new Map() }),
  }
  test.each(Object.entries(blocking))('%s blocks approval (invariant I9)', (_, input) => {
    expect(approvability(evaluate(input)).kind).toBe('blocked')
  })
})
