import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { auditEvent } from '../../../shared/audit.ts'
import { auditSeq, sha256Hex } from '../../../shared/ids.ts'
import { hex } from '../bytes.ts'
import { sampleEntries, sampleIntent, sampleRequest } from '../testing/sample-entries.ts'
import { decodeEntry, encodeEntry, leafHash, maxEntryBytes } from './encode.ts'
import type { AuditEntryBody } from './entry.ts'

const place = { seq: auditSeq.parse(1), at: '2026-01-02T03:04:05.678Z', prev: sha256Hex.parse('0'.repeat(64)) }
const bytes = (text: string) => new TextEncoder().encode(text)

describe('the format of audit entries', () => {
  it('gives the bytes and the hashes of the sample in docs/formats/audit-entry.md', () => {
    const page = readFileSync(new URL('../../../../docs/formats/audit-entry.md', import.meta.url), 'utf8')
    const samples = [...page.matchAll(/entry (\d+), (\d+) bytes, leaf hash `([0-9a-f]{64})`:\n\n```json\n(.*)\n```/g)]
    expect(samples).toHaveLength(3)
    let prev = place.prev
    for (const [, seq, length, leaf, text = ''] of samples) {
      const decoded = decodeEntry(bytes(text))
      if (!decoded.ok) throw new Error(decoded.error)
      expect(decoded.value.place).toMatchObject({ seq: Number(seq), prev })
      const again = encodeEntry(decoded.value.place, decoded.value.body)
      expect({ text: Buffer.from(again).toString(), length: String(again.length), leaf: hex(leafHash(again)) }).toEqual(
        { text, length, leaf },
      )
      prev = sha256Hex.parse(leaf)
    }
  })

  it('hashes a leaf as RFC 6962 does: the hash of the empty leaf is that of one zero byte', () => {
    expect(hex(leafHash(new Uint8Array()))).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
  })

  it('names every event and every member in its documentation', () => {
    const page = readFileSync(new URL('../../../../docs/formats/audit-entry.md', import.meta.url), 'utf8')
    const named = sampleEntries().flatMap((body) => [body.event, ...Object.keys(body)])
    expect([...new Set([...auditEvent.options, ...named])].filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  it('has a sample of every event that the screens know, and reads each back', () => {
    expect(new Set(sampleEntries().map((body) => body.event))).toEqual(new Set(auditEvent.options))
    for (const body of sampleEntries()) {
      expect(decodeEntry(encodeEntry(place, body))).toEqual({ ok: true, value: { place: { v: 1, ...place }, body } })
    }
  })

  it('keeps text from outside as it came, whatever characters it has', () => {
    const path = 'a\u202e\u0000\n"\\ é e\u0301 \ud83d\ude00'
    const decoded = decodeEntry(encodeEntry(place, { ...sampleIntent(), path }))
    expect(decoded).toMatchObject({ ok: true, value: { body: { path } } })
  })

  it.each([
    ['a lone surrogate in a path', { path: '\ud83d' }],
    ['a path that is too long', { path: 'a'.repeat(4097) }],
    ['a hash in upper case', { inputSha256: 'A1'.repeat(32) }],
    ['a member that is not of the event', { extra: 1 }],
    ['a member that is left out', { username: undefined }],
  ])('refuses %s', (_name, change) => {
    expect(() => encodeEntry(place, { ...sampleIntent(), ...change } as AuditEntryBody)).toThrow()
  })

  it('cuts the message of a failure rather than lose the outcome', () => {
    const body = sampleEntries().find((entry) => entry.event === 'sign-failed')
    if (body?.event !== 'sign-failed') throw new Error('no sample')
    const decoded = decodeEntry(encodeEntry(place, { ...body, message: `\ud83d${'x'.repeat(5000)}` }))
    expect(decoded).toMatchObject({ ok: true, value: { body: { message: `\ufffd${'x'.repeat(1998)}…` } } })
  })

  it('holds the largest outcome that can be reported', () => {
    const worst: AuditEntryBody = {
      event: 'returned',
      requestId: sampleRequest,
      result: 'failure',
      outputArtifacts: [],
      errors: Array.from({ length: 500 }, () => ({ code: 'layout-unsafe', message: '\u0001'.repeat(9000) })),
    }
    const encoded = encodeEntry(place, worst)
    expect(encoded.length).toBeLessThan(maxEntryBytes)
    const decoded = decodeEntry(encoded)
    if (!decoded.ok || decoded.value.body.event !== 'returned') throw new Error('not decoded')
    expect(decoded.value.body.errors).toHaveLength(16)
    expect(decoded.value.body.errors.at(-1)).toEqual({ code: 'more', message: '485 more errors' })
  })

  it.each([
    ['an entry of a later version', (text: string) => text.replace('"v":1', '"v":2')],
    ['an event that is not known', (text: string) => text.replace('"intent"', '"inkling"')],
    ['a space', (text: string) => text.replace(',', ', ')],
    ['a member twice', (text: string) => text.replace('"v":1', '"v":1,"v":1')],
    ['a list', () => '[]'],
  ])('does not read %s', (_name, change) => {
    const text = Buffer.from(encodeEntry(place, sampleIntent())).toString()
    expect(decodeEntry(bytes(change(text))).ok).toBe(false)
  })
})
