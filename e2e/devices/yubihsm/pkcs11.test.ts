import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import pkcs11js from 'pkcs11js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { derElement, derTag } from '../../../src/main/asn1/der.ts'
import { derOid } from '../../../src/main/asn1/oid.ts'
import { ecdsaSigValue } from '../../../src/main/asn1/signature-value.ts'
import { opensslVerifies, type Scheme } from './testing/openssl.ts'
import { vendorSoftware } from './testing/vendor-software.ts'
import { findObjects, type Pkcs11Session, privateKey, sign, YubiHsmBench } from './testing/yubihsm-bench.ts'

const vendor = await vendorSoftware()
const curves = {
  p256: '1.2.840.10045.3.1.7',
  p384: '1.3.132.0.34',
  p521: '1.3.132.0.35',
  k256: '1.3.132.0.10',
} as const
const CKK_EC_EDWARDS = 0x40
const CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x1055
const CKM_EDDSA = 0x1057

/** Names, so that a failure says which. */
const mechanismNames = new Map(
  Object.entries(pkcs11js)
    .filter(([name]) => name.startsWith('CKM_'))
    .map(([name, value]) => [value as unknown as number, name]),
)

if (!vendor.ok) {
  it('the YubiHSM module of its maker works with the virtual device', (ctx) => ctx.skip(vendor.error))
} else {
  describe('yubihsm_pkcs11 on a virtual YubiHSM', () => {
    let bench: YubiHsmBench
    let open: Pkcs11Session
    beforeAll(async () => {
      bench = await YubiHsmBench.start(vendor.value)
      open = await bench.session()
    })
    afterAll(() => bench.dispose())

    const generate = async (
      id: number,
      mechanism: number,
      publicTemplate: pkcs11js.Template,
      keyType: number,
    ): Promise<void> => {
      await open.module.call(
        'C_GenerateKeyPair',
        open.session,
        { mechanism },
        [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
          { type: pkcs11js.CKA_KEY_TYPE, value: keyType },
          { type: pkcs11js.CKA_ID, value: Buffer.from([id >> 8, id & 0xff]) },
          ...publicTemplate,
        ],
        [
          { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
          { type: pkcs11js.CKA_KEY_TYPE, value: keyType },
          { type: pkcs11js.CKA_ID, value: Buffer.from([id >> 8, id & 0xff]) },
          { type: pkcs11js.CKA_LABEL, value: `key ${id}` },
          { type: pkcs11js.CKA_SIGN, value: true },
        ],
      )
    }
    const generateRsa = (id: number) =>
      generate(
        id,
        pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN,
        [
          { type: pkcs11js.CKA_MODULUS_BITS, value: 2048 },
          { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: Buffer.from('010001', 'hex') },
        ],
        pkcs11js.CKK_RSA,
      )
    const generateEc = (id: number, curve: string) =>
      generate(
        id,
        pkcs11js.CKM_EC_KEY_PAIR_GEN,
        [{ type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(derOid(curve)) }],
        pkcs11js.CKK_EC,
      )
    const generateEd25519 = (id: number) =>
      generate(
        id,
        CKM_EC_EDWARDS_KEY_PAIR_GEN,
        [{ type: pkcs11js.CKA_EC_PARAMS, value: derElement(derTag.printableString, Buffer.from('edwards25519')) }].map(
          ({ type, value }) => ({ type, value: Buffer.from(value) }),
        ),
        CKK_EC_EDWARDS,
      )
    const publicKeyPem = async (id: number): Promise<string> => {
      if (existsSync(bench.file(`public-${id}.pem`))) return readFileSync(bench.file(`public-${id}.pem`), 'utf8')
      const file = bench.file(`public-${id}.pem`)
      await bench.shell(
        '-a',
        'get-public-key',
        '-i',
        String(id),
        '-t',
        'asymmetric-key',
        '--outformat',
        'PEM',
        '--out',
        file,
      )
      return readFileSync(file, 'utf8')
    }

    it('names the device by its maker, its model and its serial number in eight digits', async () => {
      const { label, manufacturerID, model, serialNumber, firmwareVersion } = await open.module.call(
        'C_GetTokenInfo',
        open.slot,
      )
      expect({
        label: label.trim(),
        maker: manufacturerID.trim(),
        model: model.trim(),
        serial: serialNumber.trim(),
        firmwareVersion,
      }).toEqual({
        label: 'YubiHSM',
        maker: 'Yubico (www.yubico.com)',
        model: 'YubiHSM',
        serial: '07550140',
        firmwareVersion: { major: 2, minor: 40 },
      })
    })

    it('tells a wrong password, an unknown authentication key and a PIN of no form apart', async () => {
      const { module, session } = await bench.session(null)
      const login = async (pin: string) => await module.codeOf('C_Login', session, pkcs11js.CKU_USER, pin)
      expect(await login('0001passwords')).toBe('CKR_PIN_INCORRECT')
      expect(await login('0002password')).toBe('CKR_OBJECT_HANDLE_INVALID')
      expect(await login('1')).toBe('CKR_ARGUMENTS_BAD')
      expect(await login('0001password')).toBe('CKR_OK')
    })

    it('generates keys in the device, which say so, and finds them by id', async () => {
      await generateRsa(0x0101)
      await generateEc(0x0102, curves.p256)
      await generateEd25519(0x0106)
      const key = await privateKey(open, 0x0102)
      const [local, label, sensitive, extractable] = await open.module.call('C_GetAttributeValue', open.session, key, [
        { type: pkcs11js.CKA_LOCAL },
        { type: pkcs11js.CKA_LABEL },
        { type: pkcs11js.CKA_SENSITIVE },
        { type: pkcs11js.CKA_EXTRACTABLE },
      ])
      expect(
        [local?.value, label?.value, sensitive?.value, extractable?.value].map((value) => Buffer.from(value as Buffer)),
      ).toEqual([Buffer.from([1]), Buffer.from('key 258'), Buffer.from([1]), Buffer.from([0])])
      // Sequence, type and id make the handle of an object.
      expect(key.readBigUInt64LE()).toBe(0x030102n)
    })

    it('imports a private key and a certificate, and signs with what it imported', async () => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      const secret = Buffer.from(pair.privateKey.export({ format: 'jwk' }).d ?? '', 'base64url')
      await open.module.call('C_CreateObject', open.session, [
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
        { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
        { type: pkcs11js.CKA_ID, value: Buffer.from([0x02, 0x01]) },
        { type: pkcs11js.CKA_LABEL, value: 'imported' },
        { type: pkcs11js.CKA_SIGN, value: true },
        { type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(derOid(curves.p256)) },
        { type: pkcs11js.CKA_VALUE, value: secret },
      ])
      const key = await privateKey(open, 0x0201)
      const message = Buffer.from('signed with an imported key')
      const signature = await sign(open, key, { mechanism: pkcs11js.CKM_ECDSA_SHA256 }, message)
      const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
      expect(opensslVerifies(pem, { kind: 'ecdsa', hash: 'sha256' }, message, ecdsaSigValue(signature))).toBe(true)
      expect(opensslVerifies(pem, { kind: 'ecdsa', hash: 'sha256' }, randomBytes(16), ecdsaSigValue(signature))).toBe(
        false,
      )
      const [local] = await open.module.call('C_GetAttributeValue', open.session, key, [{ type: pkcs11js.CKA_LOCAL }])
      expect(local?.value).toEqual(Buffer.from([0]))
    })

    describe('signs with every mechanism for which it lists signing', () => {
      const message = Buffer.from('a message that every mechanism signs')
      const hashes = ['sha1', 'sha256', 'sha384', 'sha512'] as const
      const digestInfoOf = { sha1: '3021300906052b0e03021a05000414', sha256: '3031300d060960864801650304020105000420' }
      const pss = (hash: (typeof hashes)[number]) => ({
        type: pkcs11js.CK_PARAMS_RSA_PSS,
        hashAlg: {
          sha1: pkcs11js.CKM_SHA_1,
          sha256: pkcs11js.CKM_SHA256,
          sha384: pkcs11js.CKM_SHA384,
          sha512: pkcs11js.CKM_SHA512,
        }[hash],
        mgf: {
          sha1: pkcs11js.CKG_MGF1_SHA1,
          sha256: pkcs11js.CKG_MGF1_SHA256,
          sha384: pkcs11js.CKG_MGF1_SHA384,
          sha512: pkcs11js.CKG_MGF1_SHA512,
        }[hash],
        saltLen: 20,
      })
      interface Case {
        readonly key: number
        readonly mechanism: pkcs11js.Mechanism
        readonly data: Uint8Array
        readonly scheme: Scheme
      }
      const digest = (hash: string) => createHash(hash).update(message).digest()
      const cases: ReadonlyMap<number, Case> = new Map<number, Case>([
        [
          pkcs11js.CKM_RSA_PKCS,
          {
            key: 0x0101,
            mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS },
            data: Buffer.concat([Buffer.from(digestInfoOf.sha256, 'hex'), digest('sha256')]),
            scheme: { kind: 'pkcs1', hash: 'sha256' },
          },
        ],
        [
          pkcs11js.CKM_RSA_PKCS_PSS,
          {
            key: 0x0101,
            mechanism: { mechanism: pkcs11js.CKM_RSA_PKCS_PSS, parameter: pss('sha256') },
            data: digest('sha256'),
            scheme: { kind: 'pss', hash: 'sha256', mgf1: 'sha256', saltBytes: 20 },
          },
        ],
        [
          pkcs11js.CKM_ECDSA,
          {
            key: 0x0102,
            mechanism: { mechanism: pkcs11js.CKM_ECDSA },
            data: digest('sha256'),
            scheme: { kind: 'ecdsa', hash: 'sha256' },
          },
        ],
        [CKM_EDDSA, { key: 0x0106, mechanism: { mechanism: CKM_EDDSA }, data: message, scheme: { kind: 'raw' } }],
        ...hashes.flatMap((hash): [number, Case][] => {
          const name = hash.toUpperCase()
          const number = (mechanism: string) =>
            (pkcs11js as unknown as Readonly<Record<string, number>>)[mechanism] ?? -1
          const [rsa, rsaPss, ecdsa] = [`CKM_${name}_RSA_PKCS`, `CKM_${name}_RSA_PKCS_PSS`, `CKM_ECDSA_${name}`].map(
            number,
          )
          return [
            [
              rsa ?? -1,
              { key: 0x0101, mechanism: { mechanism: rsa ?? -1 }, data: message, scheme: { kind: 'pkcs1', hash } },
            ],
            [
              rsaPss ?? -1,
              {
                key: 0x0101,
                mechanism: { mechanism: rsaPss ?? -1, parameter: pss(hash) },
                data: message,
                scheme: { kind: 'pss', hash, mgf1: hash, saltBytes: 20 },
              },
            ],
            [
              ecdsa ?? -1,
              { key: 0x0102, mechanism: { mechanism: ecdsa ?? -1 }, data: message, scheme: { kind: 'ecdsa', hash } },
            ],
          ]
        }),
      ])

      it('which are all known here', async () => {
        const listed = await open.module.call('C_GetMechanismList', open.slot)
        const unknown: string[] = []
        for (const mechanism of listed) {
          const { flags } = await open.module.call('C_GetMechanismInfo', open.slot, mechanism)
          const signs = (flags & pkcs11js.CKF_SIGN) !== 0
          const name = mechanismNames.get(mechanism) ?? mechanism.toString(16)
          if (signs && !cases.has(mechanism) && !name.includes('HMAC')) unknown.push(name)
        }
        expect(unknown).toEqual([])
        expect(listed).toEqual(expect.arrayContaining([pkcs11js.CKM_RSA_PKCS, pkcs11js.CKM_ECDSA]))
      })

      for (const [number, { key, mechanism, data, scheme }] of cases) {
        it(`${mechanismNames.get(number) ?? 'CKM_EDDSA'}, as openssl sees it`, async (ctx) => {
          const listed = await open.module.call('C_GetMechanismList', open.slot)
          if (!listed.includes(number)) return ctx.skip('the module does not list it')
          const signature = await sign(open, await privateKey(open, key), mechanism, data)
          const encoded = scheme.kind === 'ecdsa' ? ecdsaSigValue(signature) : signature
          expect(opensslVerifies(await publicKeyPem(key), scheme, message, encoded)).toBe(true)
          expect(opensslVerifies(await publicKeyPem(key), scheme, randomBytes(9), encoded)).toBe(false)
        })
      }
    })

    it('signs with the other curves, as openssl sees it', async () => {
      const message = randomBytes(100)
      for (const [id, curve] of [
        [0x0301, curves.p384],
        [0x0302, curves.p521],
        [0x0303, curves.k256],
      ] as const) {
        await generateEc(id, curve)
        const signature = await sign(
          open,
          await privateKey(open, id),
          { mechanism: pkcs11js.CKM_ECDSA_SHA512 },
          message,
        )
        const scheme = { kind: 'ecdsa', hash: 'sha512' } as const
        expect(opensslVerifies(await publicKeyPem(id), scheme, message, ecdsaSigValue(signature)), curve).toBe(true)
      }
    })

    it('does not sign with a key that may not, and shows nobody a key outside his domains', async () => {
      const shell = async (...args: readonly string[]) => await bench.shell(...args)
      await shell('-a', 'generate-asymmetric-key', '-i', '1025', '-A', 'ecp256', '-d', '1', '-c', 'sign-eddsa')
      const key = await privateKey(open, 1025)
      await expect(sign(open, key, { mechanism: pkcs11js.CKM_ECDSA }, randomBytes(32))).rejects.toThrow(
        'C_Sign: CKR_FUNCTION_REJECTED',
      )
      await shell(
        '-a',
        'put-authentication-key',
        '-i',
        '2',
        '-d',
        '2',
        '-c',
        'sign-ecdsa',
        '--delegated',
        'none',
        '--new-password',
        'elsewhere',
      )
      const elsewhere = await bench.session('0002elsewhere')
      expect(
        await findObjects(elsewhere, [{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY }]),
      ).not.toContainEqual(key)
    })

    it('deletes an object, whose id then begins with the next sequence', async () => {
      await generateEc(0x0501, curves.p256)
      await open.module.call('C_DestroyObject', open.session, await privateKey(open, 0x0501))
      await expect(privateKey(open, 0x0501)).rejects.toThrow('there is no private key')
      await generateEc(0x0501, curves.p256)
      expect((await privateKey(open, 0x0501)).readBigUInt64LE()).toBe(0x01030501n)
    })

    it('generates nothing for an authentication key that may only sign', async () => {
      await bench.shell(
        '-a',
        'put-authentication-key',
        '-i',
        '3',
        '-c',
        'sign-ecdsa',
        '--delegated',
        'sign-ecdsa',
        '--new-password',
        'signs-only',
      )
      const signer = await bench.session('0003signs-only')
      const code = await signer.module.codeOf(
        'C_GenerateKeyPair',
        signer.session,
        { mechanism: pkcs11js.CKM_EC_KEY_PAIR_GEN },
        [{ type: pkcs11js.CKA_EC_PARAMS, value: Buffer.from(derOid(curves.p256)) }],
        [{ type: pkcs11js.CKA_SIGN, value: true }],
      )
      expect(code).toBe('CKR_FUNCTION_REJECTED')
    })
  })
}
