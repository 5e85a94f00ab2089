import type { ListedFile, OtherField, UploadDocumentFacts } from '../../shared/upload-facts.ts'
import { hexOf } from './sample-data.ts'

/** `cutBytes`: what the value had beyond this. */
export function sampleField(name: string, value: string, cutBytes = 0): OtherField {
  const pieces: string[] = []
  for (let start = 0; start < value.length; start += 4000) pieces.push(value.slice(start, start + 4000))
  return {
    name,
    value: pieces,
    lines: value.split('\n').length,
    bytes: new TextEncoder().encode(value).length + cutBytes,
    sha256: hexOf(`field ${name} ${value.length} ${cutBytes}`),
    cutBytes,
  }
}

export function sampleListed(name: string, size: number, section: string | null = null): ListedFile {
  const sha256 = hexOf(`file ${name}`)
  return {
    name,
    size,
    md5: sha256.slice(0, 32),
    sha1: sha256.slice(0, 40),
    sha256,
    section,
    ...(section === null ? {} : { priority: 'optional' }),
  }
}

const installed = Array.from(
  { length: 214 },
  (_, index) =>
    ` lib${['apt', 'bz2', 'c6', 'dpkg-perl', 'gcc-s1', 'idn2'][index % 6]}-${index} (= ${1 + (index % 9)}.${index}-1)`,
).join(',\n')
const environment = [
  'DEB_BUILD_OPTIONS="parallel=8"',
  'DEB_BUILD_PROFILES=""',
  'LANG="C.UTF-8"',
  'LC_ALL="C.UTF-8"',
  'LD_LIBRARY_PATH="/usr/lib/libeatmydata"',
  'SOURCE_DATE_EPOCH="1795162800"',
]
  .map((line) => ` ${line}`)
  .join('\n')

/** As dpkg writes them. */
export const sampleOthers: Readonly<Record<UploadDocumentFacts['document'], OtherField[]>> = {
  changes: [
    sampleField('Binary', 'hello hello-doc'),
    sampleField(
      'Description',
      '\n hello      - example package based on GNU hello\n hello-doc  - example package based on GNU hello (documents)',
    ),
  ],
  dsc: [
    sampleField('Source', 'hello'),
    sampleField('Binary', 'hello, hello-doc'),
    sampleField('Architecture', 'any all'),
    sampleField('Version', '2.12-1'),
    sampleField('Maintainer', 'Jo Müller <jo@example.org>'),
    sampleField('Homepage', 'https://www.gnu.org/software/hello/'),
    sampleField('Standards-Version', '4.7.2'),
    sampleField('Vcs-Git', 'https://salsa.debian.org/debian/hello.git'),
    sampleField('Testsuite', 'autopkgtest'),
    sampleField('Build-Depends', 'debhelper-compat (= 13), help2man, texinfo'),
    sampleField('Package-List', '\n hello deb devel optional arch=any\n hello-doc deb doc optional arch=all'),
  ],
  buildinfo: [
    sampleField('Source', 'hello'),
    sampleField('Binary', 'hello hello-doc'),
    sampleField('Architecture', 'all amd64 source'),
    sampleField('Version', '2.12-1'),
    sampleField('Build-Origin', 'Debian'),
    sampleField('Build-Architecture', 'amd64'),
    sampleField('Build-Date', 'Fri, 20 Nov 2026 08:00:00 +0000'),
    sampleField('Build-Path', '/build/reproducible-path/hello-2.12'),
    sampleField('Build-Tainted-By', '\n merged-usr-via-aliased-dirs'),
    sampleField('Installed-Build-Depends', `\n${installed}`),
    sampleField('Environment', `\n${environment}`),
  ],
}

/** What a builder would not write, and a signature would vouch for. */
export const hidingOthers: OtherField[] = [
  ...sampleOthers.changes,
  sampleField('X-Note', 'harmless\u202Eexe.tpircs\u202C and \u200Bno more\n goes on\tafter a tab'),
  sampleField('Verified-Here', 'Everything in this upload was checked by the station'),
  sampleField('Debusine-User', 'https://debusine.example.org/-/user/1/'),
  sampleField('X-Empty', ''),
  sampleField(`X-${'Long-'.repeat(18)}Name`, 'x'.repeat(399)),
  sampleField('X-Huge', 'Ünïcödé '.repeat(5000), 412_345),
]
