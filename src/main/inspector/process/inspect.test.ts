import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { inputFacts, type PeFacts } from '../../../shared/input-facts.ts'
import { attachSignatures } from '../../signing/pe/attach.ts'
import { debianImages, type Found, readVectors, type Vector } from '../../signing/pe/testing/debian-images.ts'
import { flatOracle } from '../../signing/pe/testing/oracle.ts'
import { type BuilderSection, buildPe, type PeBuilderOptions } from '../../signing/pe/testing/pe-builder.ts'
import { localCertificate } from '../../signing/testing/local-certificate.ts'
import { generateLocalKey } from '../../signing/testing/local-key.ts'
import { memorySource } from './byte-source.ts'
import { inspect } from './inspect.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const section = (name: string, content: Uint8Array | string): BuilderSection => ({
  name,
  content: typeof content === 'string' ? utf8(content) : content,
})
const certificate = localCertificate(generateLocalKey('ec-p256'), 'Embedded').der
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))

function factsOf(image: Uint8Array): PeFacts {
  const facts = inputFacts.parse(inspect(memorySource(image)))
  if (facts.kind !== 'pe') throw new Error(`facts of a ${facts.kind}`)
  return facts
}
const factsOfSections = (...sections: readonly BuilderSection[]): PeFacts => factsOf(buildPe({ sections }))

function vendorCert(authorized: Uint8Array, deauthorized: Uint8Array): Uint8Array {
  const table = new Uint8Array(16 + authorized.length + deauthorized.length)
  const view = new DataView(table.buffer)
  for (const [index, value] of [authorized.length, deauthorized.length, 16, 16 + authorized.length].entries())
    view.setUint32(index * 4, value, true)
  table.set(authorized, 16)
  table.set(deauthorized, 16 + authorized.length)
  return table
}

function signatureList(guid: string, entry: Uint8Array): Uint8Array {
  const header = new Uint8Array(28)
  header.set(Buffer.from(guid, 'hex'))
  const view = new DataView(header.buffer)
  view.setUint32(16, 28 + 16 + entry.length, true)
  view.setUint32(24, 16 + entry.length, true)
  return concat(header, new Uint8Array(16), entry)
}

describe('the facts of a PE image', () => {
  it('begin with machine, subsystem, digest and the digest of each section', () => {
    const image = buildPe({ machine: 0xaa64, sections: [section('.text', 'code')] })
    expect(factsOf(image)).toEqual({
      kind: 'pe',
      machine: 'AArch64 (0xaa64)',
      subsystem: 'EFI application (0x0a)',
      role: 'efi-application',
      authenticodeSha256: flatOracle(image),
      layoutFaults: [],
      sections: [
        { name: '.text', offset: 512, rawSize: 512, virtualSize: 4, sha256: hash('sha256', image.subarray(512, 1024)) },
      ],
      sbat: null,
      sbatProblem: null,
      texts: [],
      kernelVersion: null,
      innerKernelSha256: null,
      vendorCertificates: [],
      vendorDbxBytes: null,
      embeddedCertificates: [],
      existingSignatures: [],
      incomplete: [],
    })
  })

  it.each([
    [0x14c, 'i386 (0x14c)'],
    [0x8664, 'x86-64 (0x8664)'],
    [0xbeef, 'unknown (0xbeef)'],
  ])('name machine %i', (machine, expected) => {
    expect(factsOf(buildPe({ machine })).machine).toBe(expected)
  })

  it('resolve section names through the COFF string table', () => {
    const stringTable = concat(Uint8Array.of(24, 0, 0, 0), utf8('.vendor_cert\0.longer\0'))
    const facts = factsOf(
      buildPe({
        sections: [
          section('/4', vendorCert(certificate, new Uint8Array(9))),
          section('/17', 'x'),
          section('/999999', 'y'),
        ],
        stringTable,
      }),
    )
    expect(facts.sections.map(({ name }) => name)).toEqual(['.vendor_cert', '.longer', '/999999'])
    expect(facts.vendorCertificates.map(({ where, certificate }) => [where, certificate.subject])).toEqual([
      ['.vendor_cert', 'CN=Embedded'],
    ])
    expect([facts.vendorDbxBytes, facts.role]).toEqual([9, 'shim'])
  })

  it('list SBAT rows, and say why they are not all', () => {
    const row = 'sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n'
    expect(
      factsOfSections(section('.sbat', `${row}grub,5,Free Software Foundation,grub,2.12,https://example.org/a,b\n`)),
    ).toMatchObject({
      sbatProblem: null,
      role: 'grub',
      sbat: [
        {
          component: 'sbat',
          generation: 1,
          vendor: 'SBAT Version',
          package: 'sbat',
          version: '1',
          url: 'https://example.org/SBAT.md',
        },
        {
          component: 'grub',
          generation: 5,
          vendor: 'Free Software Foundation',
          package: 'grub',
          version: '2.12',
          url: 'https://example.org/a,b',
        },
      ],
    })
    for (const bad of [
      'grub,x,v,p,1,u\n',
      'grub,-1,v,p,1,u\n',
      ',1,v,p,1,u\n',
      'grub,1,v,p,1\n',
      'grub,999999,v,p,1,u\n',
      `grub,1,${'v'.repeat(2000)},p,1,u\n`,
    ]) {
      const facts = factsOfSections(section('.sbat', row + bad))
      expect([facts.sbat?.length, facts.sbatProblem?.includes('2')]).toEqual([1, true])
    }
    expect(factsOfSections(section('.sbat', row.repeat(65))).sbatProblem).toContain('65 rows')
    expect(factsOfSections(section('.sbat', '\0')).sbatProblem).toContain('no rows')
    expect(factsOfSections(section('.sbat', row), section('.sbat', row)).sbatProblem).toContain('more than one')
    expect(factsOfSections(section('.sbat', 'x'.repeat(70_000))).sbatProblem).toContain('64 KiB')
  })

  it('show the texts of a UKI, its kernel’s version and digest', () => {
    const kernel = buildPe({
      sections: [section('.setup', concat(new Uint8Array(8), utf8('HdrS'), new Uint8Array(64)))],
      fileAlignment: 8,
      peOffset: 0x40,
    })
    // A setup header as the boot protocol has it, in the place where the kernel has it.
    const setup = new Uint8Array(1024)
    setup.set(utf8('HdrS'), 0x202)
    setup.set([0x00, 0x01], 0x20e)
    setup.set(utf8('6.12.107 (builder) Debian 6.12.107-1\0'), 0x300)
    const linux = kernel.slice()
    expect(linux.length).toBeGreaterThan(0x100)
    const inner = concat(linux, setup.subarray(linux.length))
    const facts = factsOfSections(
      section('.osrel', 'ID=debian\n'),
      section('.cmdline', 'quiet \u202e\u0007 x'),
      section('.uname', '6.12.107'),
      section('.linux', inner),
      section('.initrd', 'initrd'),
    )
    expect([facts.role, facts.kernelVersion, facts.innerKernelSha256]).toEqual([
      'uki',
      '6.12.107 (builder) Debian 6.12.107-1',
      flatOracle(inner),
    ])
    expect(facts.texts).toEqual([
      { section: '.osrel', text: 'ID=debian\n', cut: false },
      { section: '.cmdline', text: 'quiet \u202e\u0007 x', cut: false },
      { section: '.uname', text: '6.12.107', cut: false },
    ])
    expect(facts.incomplete).toEqual([])
  })

  it('say that an inner kernel has no digest of its own', () => {
    const facts = factsOfSections(section('.linux', 'not a kernel'))
    expect([facts.innerKernelSha256, facts.incomplete.length]).toEqual([null, 1])
  })

  it('cut long texts at a whole character and replace what is not UTF-8', () => {
    const facts = factsOfSections(
      section('.cmdline', '\u{1f600}'.repeat(5000)),
      section('.uname', Uint8Array.of(0x61, 0xff, 0xed, 0xa0, 0x80, 0x62)),
    )
    const [first, second] = facts.texts
    expect([first?.cut, first?.text.length, first?.text.isWellFormed()]).toEqual([true, 4096, true])
    expect(second).toEqual({ section: '.uname', text: 'a\ufffd\ufffd\ufffd\ufffdb', cut: false })
  })

  it('name the text sections that are not shown', () => {
    const facts = factsOfSections(...Array.from({ length: 20 }, () => section('.cmdline', 'x')))
    expect([facts.texts.length, facts.incomplete]).toEqual([16, ['4 more text sections are not shown.']])
  })

  it('find certificates anywhere, also across the windows of the search, and not what only looks like one', () => {
    const decoy = Uint8Array.from(certificate)
    decoy[30] = 0xff
    decoy[4] = 0x31
    const far = concat(new Uint8Array(1024 * 1024 - 700), certificate)
    const facts = factsOfSections(
      section('.rodata', concat(decoy, Uint8Array.of(0x30, 0x82), certificate)),
      section('.data', far),
    )
    expect(
      facts.embeddedCertificates.map(({ where, certificate }) => [where, certificate.subject, certificate.selfSigned]),
    ).toEqual([
      ['.rodata', 'CN=Embedded', true],
      ['.data', 'CN=Embedded', true],
    ])
  })

  it('never stop at a bound without saying so', () => {
    const many = factsOfSections(section('.data', concat(...Array.from({ length: 66 }, () => certificate))))
    expect([many.embeddedCertificates.length, many.incomplete.length]).toEqual([64, 1])
    const lure = Uint8Array.of(0x30, 0x82, 0x01, 0x00, 0x30, 0x82, 0x00, 0x10, 0x02)
    const lured = factsOfSections(
      section('.data', concat(...Array.from({ length: 5000 }, () => lure), certificate, new Uint8Array(300))),
    )
    expect([lured.embeddedCertificates.length, lured.incomplete.length]).toEqual([0, 1])
  })

  it('read the vendor list of shim, and name what it authorizes by digest', () => {
    const list = concat(
      signatureList('a159c0a5e494a74a87b5ab155c2bf072', certificate),
      signatureList('2616c4c14c509240aca941f936934328', new Uint8Array(32)),
    )
    const facts = factsOfSections({ ...section('.vendor_', vendorCert(list, new Uint8Array(0))) })
    expect(facts.vendorCertificates).toEqual([])
    const named = { stringTable: concat(Uint8Array.of(17, 0, 0, 0), utf8('.vendor_cert\0')) } satisfies PeBuilderOptions
    const read = factsOf(buildPe({ ...named, sections: [section('/4', vendorCert(list, new Uint8Array(0)))] }))
    expect([read.vendorCertificates.length, read.vendorDbxBytes, read.incomplete.length]).toEqual([1, 0, 1])
    const broken = factsOf(
      buildPe({ ...named, sections: [section('/4', vendorCert(list.subarray(0, 40), new Uint8Array(0)))] }),
    )
    expect([broken.vendorCertificates.length, broken.incomplete.length]).toEqual([0, 1])
    const outside = factsOf(
      buildPe({
        ...named,
        sections: [
          section(
            '/4',
            Uint8Array.from({ length: 32 }, () => 0xff),
          ),
        ],
      }),
    )
    expect([outside.vendorDbxBytes, outside.incomplete.length]).toEqual([null, 1])
  })

  it('list the faults of the layout, and no digest', () => {
    const facts = factsOf(buildPe({ sections: [section('a', 'a'), { ...section('b', 'b'), gapBefore: 512 }] }))
    expect([facts.authenticodeSha256, facts.layoutFaults.map(({ code }) => code)]).toEqual([
      null,
      ['section-gap', 'digest-forms-differ'],
    ])
  })

  it('count entries of the certificate table that are no signatures', () => {
    const attached = attachSignatures(buildPe(), [Uint8Array.of(0x30, 0), new Uint8Array(5)])
    if (!attached.ok) throw new Error(attached.error.code)
    const facts = factsOf(attached.value)
    expect([facts.existingSignatures, facts.incomplete.length, facts.authenticodeSha256]).toEqual([
      [],
      2,
      flatOracle(buildPe()),
    ])
  })
})

describe('a file that is no PE image', () => {
  it.each([
    ['', 'The file is empty.'],
    ['7f454c46', 'ELF'],
    ['1f8b08', 'gzip'],
    ['4d5a', 'MZ or PE'],
    ['00', 'MZ or PE'],
  ])('%s is opaque, with the reason', (hex, reason) => {
    const facts = inspect(memorySource(Buffer.from(hex, 'hex')))
    expect(facts).toMatchObject({ kind: 'opaque', firstBytesHex: hex })
    expect(facts.kind === 'opaque' && facts.reason).toContain(reason)
  })
})

describe('real images of Debian', () => {
  let find: (vector: Vector) => Found
  beforeAll(async () => {
    find = await debianImages()
  }, 600_000)
  const factsFrom = (suite: Vector['suite'], file: string): PeFacts | string => {
    const vector = readVectors().find((entry) => entry.suite === suite && entry.file === file)
    if (vector === undefined) throw new Error(`no vector for ${file}`)
    const found = find(vector)
    return 'missing' in found ? found.missing : factsOf(readFileSync(found.path))
  }

  it('shim as Microsoft signed it: two signatures over this file, Debian’s certificate, a list of what it refuses', (ctx) => {
    const facts = factsFrom('bookworm', 'shimx64.efi.signed')
    if (typeof facts === 'string') return ctx.skip(facts)
    expect(
      facts.existingSignatures.map(({ issuerName, matchesFile, signer }) => [
        issuerName.split('CN=')[1],
        matchesFile,
        signer?.isCa,
      ]),
    ).toEqual([
      ['Microsoft Corporation UEFI CA 2011', true, false],
      ['Microsoft UEFI CA 2023', true, false],
    ])
    expect(facts.vendorCertificates.map(({ certificate }) => certificate.sha256)).toEqual([
      '079646974bce09b1f04da67bd722d1fb0947ae4c4010bccdbba52d5b23cbf1a2',
    ])
    expect(facts.embeddedCertificates.map(({ certificate, where }) => [where, certificate.subject])).toEqual([
      ['.vendor_cert', 'CN=Debian Secure Boot CA'],
    ])
    expect([facts.vendorDbxBytes, facts.role, facts.incomplete]).toEqual([8664, 'shim', []])
  })

  it('systemd-boot: what it calls itself', (ctx) => {
    const facts = factsFrom('trixie', 'systemd-bootx64.efi')
    if (typeof facts === 'string') return ctx.skip(facts)
    expect([facts.role, facts.sbat?.map(({ component }) => component)]).toEqual([
      'systemd-boot',
      ['sbat', 'systemd-boot', 'systemd-boot.debian'],
    ])
    expect(facts.texts.find(({ section }) => section === '.sdmagic')?.text).toContain('LoaderInfo: systemd-boot 257')
  })

  it('fwupd: a section name from the string table', (ctx) => {
    const facts = factsFrom('bookworm', 'fwupdx64.efi')
    if (typeof facts === 'string') return ctx.skip(facts)
    expect([facts.role, facts.sections.every(({ name }) => !name.startsWith('/'))]).toEqual(['fwupd', true])
  })
})
