import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../shared/ids.ts'
import { Digester } from '../../digest/digester.ts'
import { localCertificate } from '../testing/local-certificate.ts'
import { generateLocalKey } from '../testing/local-key.ts'
import { PeSigner } from './pe.signer.ts'
import { debianImages, type Found, readVectors, type Vector } from './testing/debian-images.ts'

const digester = new Digester(new URL('../../digest/hash-worker.ts', import.meta.url))
const signer = new PeSigner(digester)
const key = generateLocalKey('rsa-2048')
const certificate = localCertificate(key)
let find: (vector: Vector) => Found

beforeAll(async () => {
  find = await debianImages()
}, 600_000)
afterAll(() => digester.close())

describe('the digest that other tools computed for', () => {
  for (const vector of readVectors()) {
    it(`${vector.file} of ${vector.package} ${vector.version} (${vector.suite}) is the one that is signed and verified`, async (ctx) => {
      const found = find(vector)
      if ('missing' in found) return ctx.skip(found.missing)
      const bytes = readFileSync(found.path)
      expect(bytes.length).toBe(vector.size)
      const file = {
        path: found.path,
        size: bytes.length,
        sha256: sha256Hex.parse(hash('sha256', bytes)),
        toBeSigned: sha256Hex.parse(vector.authenticodeSha256),
      }
      const prepared = await signer.prepare(file, certificate, new Date(0))
      if (!prepared.ok) throw new Error(prepared.error.message)
      const output = prepared.value.assemble(key.sign(prepared.value.request))
      expect(await signer.verify(file, output, certificate)).toEqual({ ok: true, value: null })
    })
  }
})
