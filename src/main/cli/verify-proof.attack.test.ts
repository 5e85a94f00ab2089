import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readerOf } from '../../../db/database.ts'
import { auditSeq, sha256Hex } from '../../shared/ids.ts'
import { formatVerifierKey, noteKeyType } from '../audit/format/signed-note.ts'
import { proveConsistency, proveEntry } from '../audit/proofs.ts'
import { checkpointedStation } from '../audit/testing/checkpointed-station.ts'
import { sampleEntries, sampleIntent, sampleSigned } from '../audit/testing/sample-entries.ts'
import { cosign, sampleKey } from '../audit/testing/sample-log.ts'
import { Digester } from '../digest/digester.ts'
import { attachSignatures } from '../signing/pe/attach.ts'
import { buildPe } from '../signing/pe/testing/pe-builder.ts'
import { makeBench } from '../signing/pe/testing/reference-tools.ts'
import { spool } from '../signing/pe/testing/spooled.ts'
import { createSigner } from '../signing/registry.ts'
import { localCertificate } from '../signing/testing/local-certificate.ts'
import { generateLocalKey } from '../signing/testing/local-key.ts'
import { at, known, prepareLogs, verify, vkey } from './testing/logs.ts'

prepareLogs()

const bench = makeBench()
const digester = new Digester(new URL('../digest/hash-worker.ts', import.meta.url))
afterAll(async () => {
  await digester.close()
  bench.remove()
})
const sha256 = (bytes: Uint8Array) => sha256Hex.parse(createHash('sha256').update(bytes).digest('hex'))
const witness = sampleKey('witness', 'witness.example.com/w1', noteKeyType.cosignature)

const afterSigning = sampleEntries().slice(sampleEntries().findLastIndex((body) => 'ordinal' in body) + 1)

/** Five entries, an intent and an outcome for each of two files, and what follows. */
const size = 5 + 4 + afterSigning.length

/** Two images that were really signed, attached and recorded in one log; their proofs and files lie under `at`. */
beforeAll(async () => {
  const key = generateLocalKey('ec-p256')
  const certificate = localCertificate(key)
  const station = await checkpointedStation(at('signed.db'))
  await station.write(...sampleEntries().slice(0, 5))
  const seqs: number[] = []
  for (const [name, fill] of [
    ['grub', 1],
    ['shim', 2],
  ] as const) {
    const image = buildPe({
      sections: [{ name: '.text', content: new Uint8Array(700).fill(fill) }],
      trailing: new Uint8Array(5),
    })
    const file = spool(bench, `${name}.efi`, image)
    const prepared = await createSigner(digester).prepare(file, certificate, new Date('2026-11-20T10:45:00Z'))
    if (!prepared.ok) throw new Error(prepared.error.message)
    const signature = prepared.value.assemble(key.sign(prepared.value.request))
    const attached = attachSignatures(image, [signature])
    if (!attached.ok) throw new Error(attached.error.message)
    writeFileSync(at(`${name}.efi`), image)
    writeFileSync(at(`${name}.sig`), signature)
    writeFileSync(at(`${name}.efi.signed`), attached.value)
    const use = { inputSha256: file.sha256, digest: prepared.value.digest, path: `${name}.efi` }
    const [intentSeq = 0] = await station.write({ ...sampleIntent(), ...use })
    const [seq = 0] = await station.write({ ...sampleSigned(intentSeq), ...use, outputSha256: sha256(signature) })
    seqs.push(seq)
  }
  writeFileSync(at('before.checkpoint'), await station.checkpoint())
  await station.write(...afterSigning)
  writeFileSync(at('signed.checkpoint'), await station.checkpoint())
  for (const [index, name] of ['grub', 'shim'].entries()) {
    const proof = await proveEntry(readerOf(station.db), sampleKey().key, auditSeq.parse(seqs[index]))
    if (!proof.ok) throw new Error(proof.error.message)
    writeFileSync(at(`${name}.tlog-proof`), proof.value)
  }
  const consistency = await proveConsistency(readerOf(station.db), sampleKey().key, 9)
  if (!consistency.ok) throw new Error(consistency.error.message)
  writeFileSync(at('consistency'), consistency.value)
  await station.exportTo(at('signed.jsonl'))
  await station.exportTo(at('signed-part.jsonl'), { since: '2027-01-01T00:00:00.000Z' })
  await station.close()
})

const tampered = (change: (text: string) => string) => {
  writeFileSync(at('tampered.tlog-proof'), change(readFileSync(at('grub.tlog-proof'), 'utf8')))
  return at('tampered.tlog-proof')
}

describe('a proof', () => {
  it.each(['grub.efi.signed', 'grub.sig'])('proves that the signature in %s is in the log', (file) => {
    expect(verify(at('grub.tlog-proof'), '--vkey', vkey, '--file', at(file))).toMatchObject({
      kind: 'verified',
      sentence: expect.stringContaining('It records the signature of grub.efi with the key'),
      file: { entries: [7] },
    })
  })

  it('of one file does not serve for another', () => {
    for (const file of ['shim.efi.signed', 'shim.sig', 'grub.efi'])
      expect(verify(at('grub.tlog-proof'), '--vkey', vkey, '--file', at(file))).toMatchObject({
        kind: 'tampered',
        finding: { code: 'proof-of-another-file' },
      })
  })

  it('does not serve for the file after it was changed, with its good signature still on it', () => {
    const bytes = readFileSync(at('grub.efi.signed'))
    bytes[600] = (bytes[600] ?? 0) ^ 1
    writeFileSync(at('changed.efi.signed'), bytes)
    expect(verify(at('grub.tlog-proof'), '--vkey', vkey, '--file', at('changed.efi.signed'))).toMatchObject({
      kind: 'tampered',
      finding: { code: 'proof-of-another-file', sentence: expect.stringContaining('was changed after it was signed') },
    })
  })

  it.each([
    ['behind its signature', 0, Buffer.alloc(4096, 'payload ')],
    ['in the padding of its signature', 0, Buffer.from('payload ')],
    ['as a certificate of another kind', 0x0ef1, Buffer.alloc(4096, 'payload ')],
  ])('does not serve for the file with something hidden %s, where no digest reaches', (_name, kind, hidden) => {
    const image = readFileSync(at('grub.efi.signed'))
    const pe = image.readUInt32LE(0x3c)
    // The certificate table's place and size: the fifth data directory (PE format, "Optional Header Data Directories").
    const directory = pe + 24 + (image.readUInt16LE(pe + 24) === 0x20b ? 112 : 96) + 4 * 8
    const [offset, before] = [image.readUInt32LE(directory), image.readUInt32LE(directory + 4)]
    const header = Buffer.alloc(8)
    header.writeUInt32LE(hidden.length + 8)
    header.writeUInt16LE(0x0200, 4)
    header.writeUInt16LE(kind, 6)
    const changed = Buffer.concat([image, ...(kind === 0 ? [] : [header]), hidden])
    changed.writeUInt32LE(changed.length - offset, directory + 4)
    if (kind === 0) changed.writeUInt32LE(before + hidden.length, offset)
    writeFileSync(at('hidden.efi.signed'), changed)
    for (const target of [at('grub.tlog-proof'), at('signed.jsonl')])
      expect(verify(target, '--vkey', vkey, '--file', at('hidden.efi.signed'))).toMatchObject({
        kind: 'tampered',
        finding: { sentence: expect.stringContaining('something beside signatures') },
      })
  })

  it('cannot tell who signed the checkpoint without the key of the log', () => {
    expect(verify(at('grub.tlog-proof'), '--file', at('grub.sig'))).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'key-not-known' }],
    })
  })

  it('is of the history of a checkpoint that was kept elsewhere, by a consistency proof', () => {
    const options = ['--vkey', vkey, '--checkpoint', at('before.checkpoint')]
    expect(verify(at('grub.tlog-proof'), ...options)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'known-checkpoint-omitted' }],
    })
    expect(verify(at('grub.tlog-proof'), ...options, '--consistency', at('consistency'))).toMatchObject({
      kind: 'verified',
    })
    writeFileSync(
      at('wrong-consistency'),
      readFileSync(at('consistency'), 'utf8').replace(/^old 9\n..../, 'old 9\nAAAA'),
    )
    expect(verify(at('grub.tlog-proof'), ...options, '--consistency', at('wrong-consistency'))).toMatchObject({
      kind: 'cannot-tell',
    })
  })

  it.each([
    ['its entry', (text: string) => text.replace(/extra (.{200})..../, 'extra $1AAAA'), 'proof-'],
    ['its place', (text: string) => text.replace('index 6', 'index 7'), 'proof-wrong'],
    ['one of its hashes', (text: string) => text.replace(/(index 6\n)..../, '$1AAAA'), 'proof-wrong'],
    ['its checkpoint', (text: string) => text.replace(`\n${size}\n`, `\n${size - 1}\n`), 'checkpoint-signature-wrong'],
    [
      'the signature of its checkpoint',
      (text: string) => text.replace(/.{6}=\n$/, 'AAAAAA=\n'),
      'checkpoint-signature-wrong',
    ],
    ['its form', (text: string) => text.replace('index', 'place'), 'proof-malformed'],
    ['its end', (text: string) => text.slice(0, text.indexOf('\n\n')), 'proof-malformed'],
  ])('is not one when somebody changed %s', (_name, change, code) => {
    expect(verify(tampered(change), '--vkey', vkey)).toMatchObject({
      kind: 'tampered',
      finding: { code: expect.stringContaining(code) },
    })
  })

  it('of another log is none of this one', () => {
    const other = formatVerifierKey(sampleKey('other', 'station.example.net/signing-log/1').key)
    expect(verify(at('grub.tlog-proof'), '--vkey', other)).toMatchObject({
      kind: 'tampered',
      finding: { code: 'other-log' },
    })
  })

  it('shows the cosignature of a witness, and says when it is not there or wrong', () => {
    const options = ['--vkey', vkey, '--witness', formatVerifierKey(witness.key)]
    expect(verify(at('grub.tlog-proof'), ...options)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'not-cosigned' }],
    })
    const checkpoint = readFileSync(at('signed.checkpoint'), 'utf8')
    const cosignature = cosign(checkpoint, witness, 1_767_323_045)
    expect(
      verify(
        tampered((text) => `${text}${cosignature}`),
        ...options,
      ),
    ).toMatchObject({ kind: 'verified' })
    const wrong = cosign(readFileSync(at('before.checkpoint'), 'utf8'), witness, 1_767_323_045)
    expect(
      verify(
        tampered((text) => `${text}${wrong}`),
        ...options,
      ),
    ).toMatchObject({ kind: 'tampered', finding: { code: 'cosignature-wrong' } })
  })
})

describe('a signed file in a whole log', () => {
  const options = ['--vkey', vkey, '--checkpoint', at('signed.checkpoint'), '--file']
  it.each(['signed.db', 'signed.jsonl'])('is found in %s', (log) => {
    expect(verify(at(log), ...options, at('shim.efi.signed'))).toMatchObject({
      kind: 'verified',
      file: { entries: [9] },
    })
  })

  it('that is not there is named: a signature exists that the log does not have', () => {
    expect(verify(at('station.db'), ...known, '--file', at('shim.efi.signed'))).toMatchObject({
      kind: 'tampered',
      finding: { code: 'signature-not-logged' },
    })
  })

  it('may be among what a part leaves out', () => {
    expect(verify(at('signed-part.jsonl'), ...options, at('shim.efi.signed'))).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'signature-omitted' }],
    })
  })

  it('is reached from an older checkpoint through a part by a consistency proof', () => {
    const older = ['--vkey', vkey, '--checkpoint', at('before.checkpoint')]
    expect(verify(at('signed-part.jsonl'), ...older)).toMatchObject({
      kind: 'cannot-tell',
      doubts: [{ code: 'known-checkpoint-omitted' }],
    })
    expect(verify(at('signed-part.jsonl'), ...older, '--consistency', at('consistency'))).toMatchObject({
      kind: 'verified',
      facts: { known: [9] },
    })
  })
})

describe('the program', () => {
  const program = new URL('verify-audit.ts', import.meta.url).pathname
  const run = (...args: readonly string[]) => {
    // Node's permission model: no file to write, no other program, no worker, no native module.
    const done = spawnSync(process.execPath, ['--permission', '--allow-fs-read=*', program, ...args], {
      encoding: 'utf8',
    })
    return { status: done.status, out: done.stdout, err: done.stderr }
  }
  const options = ['--vkey', vkey, '--checkpoint', at('signed.checkpoint')]

  it('says VERIFIED and ends with 0, with no right but to read files', () => {
    const done = run(...options, at('signed.jsonl'))
    expect(done).toMatchObject({
      status: 0,
      err: '',
      out: expect.stringContaining(`VERIFIED\nAll ${size} entries are those that a checkpoint was signed for`),
    })
    expect(run(...options, at('signed.db')).status).toBe(0)
  })

  it('says where and ends with 1', () => {
    writeFileSync(at('one-byte.jsonl'), readFileSync(at('signed.jsonl'), 'utf8').replace('shim.efi', 'shin.efi'))
    expect(run(...options, at('one-byte.jsonl'))).toMatchObject({
      status: 1,
      out: expect.stringMatching(/^TAMPERED WITH: entries 8 to 9\n/),
    })
  })

  it('says what it cannot tell and ends with 2', () => {
    expect(run('--vkey', vkey, at('signed.jsonl'))).toMatchObject({
      status: 2,
      out: expect.stringMatching(/^CANNOT TELL\n.*\n- Without an earlier checkpoint/),
    })
  })

  it.each([
    ['nothing to verify', []],
    ['two things to verify', ['a', 'b']],
    ['an option that is none', ['--force', 'a']],
    ['a key that is none', ['--vkey', 'x', 'a']],
    ['a file that is not there', [at('absent')]],
    ['a folder', ['.']],
  ])('ends with 3 for %s', (_name, args) => {
    expect(run(...args).status).toBe(3)
  })

  it('gives the same as JSON', () => {
    const done = run('--json', '--read-entries', ...options, '--file', at('grub.sig'), at('signed.db'))
    expect(JSON.parse(done.out)).toMatchObject({
      result: 'verified',
      facts: { size, known: [size], openIntents: [] },
      file: { entries: [7] },
    })
  })

  it('lets no name change what the terminal shows', () => {
    const origin = '\u202eevil\u001b[2J'
    writeFileSync(
      at('evil.jsonl'),
      readFileSync(at('signed.jsonl'), 'utf8').replaceAll('station.example.org/signing-log', origin),
    )
    const done = run(...options, at('evil.jsonl'))
    expect(done.status).toBe(1)
    expect(['\u202e', '\u001b'].filter((character) => done.out.includes(character))).toEqual([])
  })
})
