import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pkcs11Uri } from './pkcs11-uri.ts'
import { readPkcs11Uri } from './read-pkcs11-uri.ts'

describe('a PKCS#11 URI of another program', () => {
  test('that is written as the standard wants is read without a warning', () => {
    expect(readPkcs11Uri('pkcs11:model=YubiHSM;serial=07550140;id=%00%64;object=release%20key;type=private')).toEqual({
      token: null,
      manufacturer: null,
      model: 'YubiHSM',
      serial: '07550140',
      object: 'release key',
      ckaId: '0064',
      warnings: [],
    })
  })

  test.each(['pkcs11:model=YubiHSM;serial=07550140;id=0064', 'pkcs11:serial=07550140;id=0064'])(
    'whose id of four hex digits is not escaped is recognised with a warning: %s',
    (uri) => {
      const read = readPkcs11Uri(uri)
      expect(read?.ckaId).toBe('0064')
      expect(read?.warnings).toEqual([expect.stringMatching(/id=0064 is not escaped.*0x0064.*id=%00%64/)])
    },
  )

  test('of another maker’s token keeps such an id as it stands: ids of four characters are usual there', () => {
    const read = readPkcs11Uri('pkcs11:model=SoftHSM%20v2;id=0064')
    expect(read).toMatchObject({ ckaId: Buffer.from('0064').toString('hex'), warnings: [] })
  })

  test.each([
    'pkcs11:serial=1;pin-source=/etc/pin-s3cret;id=%00%64',
    'pkcs11:serial=1;id=%00%64?pin-source=file:/etc/pin-s3cret',
    'pkcs11:serial=1;id=%00%64?pin-value=0001s3cret',
    'pkcs11:serial=1;pin-value=0001s3cret;id=%00%64',
  ])(
    'with a PIN, or the place of one, on either side of the question mark says so, and never what it is: %s',
    (uri) => {
      const read = readPkcs11Uri(uri)
      expect(read?.ckaId).toBe('0064')
      expect(read?.warnings).toEqual([expect.stringContaining('PIN')])
      expect(JSON.stringify(read)).not.toContain('s3cret')
    },
  )

  test.each(['', 'pkcs12:id=%01', 'pkcs11:id=%01;id=%02', `pkcs11:id=${'%01'.repeat(2000)}`])('is none: %s', (uri) => {
    expect(readPkcs11Uri(uri)).toBeNull()
  })

  test.each(['pkcs11:id=%0', 'pkcs11:id=%zz', 'pkcs11:id=', 'pkcs11:serial=1'])('names no id: %s', (uri) => {
    expect(readPkcs11Uri(uri)?.ckaId).toBeNull()
  })

  test('of our own comes back as it went in', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 32 }).filter((value) => value.isWellFormed())
    const id = fc.uint8Array({ minLength: 1, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'))
    fc.assert(
      fc.property(text, text, text, id, (manufacturer, model, serial, ckaId) => {
        const token = { manufacturer, model, serial }
        expect(readPkcs11Uri(pkcs11Uri(token, ckaId))).toMatchObject({ ...token, ckaId, warnings: [] })
      }),
    )
  })
})
