import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { readCertificate } from '../../../src/main/pki/x509.ts'
import { makeAttestationAuthority, testAuthority } from './attestation.ts'
import { ask, authenticate, freshKey, fromHex, generate, hex, sharedKey } from './testing/card-talk.ts'
import { valueAt } from './tlv.ts'
import type { VirtualYubiKey } from './virtual-yubikey.ts'

async function attested(key: VirtualYubiKey, slot: number): Promise<X509Certificate> {
  const { data, sw } = await ask(key, 0xf9, slot, 0)
  expect(sw).toBe(0x9000)
  return new X509Certificate(data)
}

async function certificateOfF9(key: VirtualYubiKey): Promise<X509Certificate> {
  const { data } = await ask(key, 0xcb, 0x3f, 0xff, fromHex('5c035fff01'))
  return new X509Certificate(valueAt(data, 0x53, 0x70) ?? new Uint8Array(0))
}

const root = new X509Certificate(testAuthority().certificate)

describe('an attestation', () => {
  it('leads from the slot over F9 to the root', async () => {
    const key = await freshKey({ generate: sharedKey })
    await authenticate(key)
    await generate(key, 0x9c, 0x07)
    const slot = await attested(key, 0x9c)
    const device = await certificateOfF9(key)
    expect([slot.verify(device.publicKey), device.verify(root.publicKey), root.verify(root.publicKey)]).toEqual([
      true,
      true,
      true,
    ])
    expect([slot.subject, slot.issuer, device.subject]).toEqual([
      'CN=YubiKey PIV Attestation 9c',
      'CN=Yubico PIV Attestation',
      'CN=Yubico PIV Attestation',
    ])
    expect([device.issuer, device.ca, slot.ca]).toEqual([root.subject, true, false])
    expect(slot.publicKey.equals(sharedKey('rsa-2048').publicKey)).toBe(true)
    expect(readCertificate(slot.raw).ok).toBe(true)
  })

  it('tells firmware, serial number, policies and form factor, each as real keys write it', async () => {
    const key = await freshKey({ firmware: '5.4.3', serial: 12_345_678, formFactor: 3 })
    await authenticate(key)
    await generate(key, 0x9a, 0x11, { pin: 3, touch: 2 })
    const text = hex((await attested(key, 0x9a)).raw)
    const arc = '060a2b0601040182c40a03'
    expect([
      text.includes(`${arc}030403050403`),
      text.includes(`${arc}070406020400bc614e`),
      text.includes(`${arc}0804020302`),
      text.includes(`${arc}09040103`),
    ]).toEqual([true, true, true, true])
  })

  it('is given for generated keys only', async () => {
    const key = await freshKey()
    expect(await ask(key, 0xf9, 0x9a, 0)).toMatchObject({ sw: 0x6a88 })
    expect(await ask(key, 0xf9, 0xf9, 0)).toMatchObject({ sw: 0x6a80 })
    expect(await ask(key, 0xf9, 0x9b, 0)).toMatchObject({ sw: 0x6b00 })
  })

  it('can be expired, forged, or of a foreign root', async () => {
    const expired = await freshKey({ attestation: 'expired' })
    await authenticate(expired)
    await generate(expired, 0x9a, 0x11)
    const old = [await attested(expired, 0x9a), await certificateOfF9(expired)]
    expect(old.map(({ validToDate }) => validToDate.getUTCFullYear())).toEqual([2020, 2020])
    expect(old[1]?.verify(root.publicKey)).toBe(true)

    const forged = await freshKey({ attestation: 'forged' })
    await authenticate(forged)
    await generate(forged, 0x9a, 0x11)
    const device = await certificateOfF9(forged)
    expect([(await attested(forged, 0x9a)).verify(device.publicKey), device.verify(root.publicKey)]).toEqual([
      false,
      true,
    ])

    const foreign = new X509Certificate(makeAttestationAuthority().certificate)
    expect([foreign.subject === root.subject, device.verify(foreign.publicKey)]).toEqual([true, false])
  })

  it('is signed by whatever key is in F9', async () => {
    const key = await freshKey({ generate: sharedKey })
    await authenticate(key)
    await generate(key, 0xf9, 0x14)
    await generate(key, 0x9a, 0x11)
    expect((await attested(key, 0x9a)).verify(sharedKey('ec-p384').publicKey)).toBe(true)
    await generate(key, 0xf9, 0xe0)
    expect(await ask(key, 0xf9, 0x9a, 0)).toMatchObject({ sw: 0x6a80 })
  })
})
