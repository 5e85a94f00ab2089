import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pkcs11Uri } from './pkcs11-uri.ts'

const token = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiKey YK5', serial: '12345678' }

describe('the URI of a private key (RFC 7512)', () => {
  test('names the token by what was read from it and the key by its escaped id', () => {
    expect(pkcs11Uri(token, '02ff')).toBe(
      'pkcs11:manufacturer=Yubico%20%28www.yubico.com%29;model=YubiKey%20YK5;serial=12345678;id=%02%ff;type=private',
    )
  })
  test('reads back to the same parts, whatever they contain', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 32 }).filter((value) => value.isWellFormed())
    const id = fc.uint8Array({ minLength: 1, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    fc.assert(
      fc.property(text, text, text, id, (manufacturer, model, serial, ckaId) => {
        const uri = pkcs11Uri({ manufacturer, model, serial }, ckaId)
        // Only what RFC 7512 §2.3 lets stand in a path attribute unescaped.
        expect(uri).toMatch(/^pkcs11:(?:[a-z]+=(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*;?)+$/)
        const parts = new Map(
          uri
            .slice('pkcs11:'.length)
            .split(';')
            .map((part) => part.split('=') as [string, string]),
        )
        expect([...parts.keys()]).toEqual(['manufacturer', 'model', 'serial', 'id', 'type'])
        for (const [name, value] of Object.entries({ manufacturer, model, serial }))
          expect(decodeURIComponent(parts.get(name) ?? '')).toBe(value)
        expect((parts.get('id') ?? '').replaceAll('%', '')).toBe(ckaId)
      }),
    )
  })
  test('never has a PIN, nor a place where one could be found', () => {
    const hostile = { ...token, serial: '1?pin-value=0000;pin-source=file:/etc/pin' }
    expect(pkcs11Uri(hostile, '02')).not.toMatch(/\?|pin-value=|pin-source=/)
  })
})
