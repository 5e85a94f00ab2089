import { createHash } from 'node:crypto'
import type { InputFile } from '../sandbox-server/seed.ts'

const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')

/** Bytes of a payload that nobody looks into; the same name gives the same ones. */
function payload(name: string, size: number, begin: string): Buffer {
  const bytes = Buffer.alloc(size, digest('sha256', Buffer.from(name)), 'hex')
  bytes.write(begin, 'latin1')
  return bytes
}

type Files = Map<string, Buffer>

function lists(files: Files, names: readonly string[], md5: 'Files' | 'Checksums-Md5', between = ''): string {
  const rows = (algorithm: string, middle = '') =>
    names
      .map((name) => {
        const bytes = files.get(name) ?? Buffer.alloc(0)
        return ` ${digest(algorithm, bytes)} ${bytes.length}${middle} ${name}\n`
      })
      .join('')
  const sha = `Checksums-Sha1:\n${rows('sha1')}Checksums-Sha256:\n${rows('sha256')}`
  return md5 === 'Files' ? `${sha}Files:\n${rows('md5', between)}` : `Checksums-Md5:\n${rows('md5')}${sha}`
}

const builtWith =
  'autoconf automake autopoint base-files base-passwd bash binutils bsdextrautils build-essential coreutils cpp dash debhelper debianutils dpkg dpkg-dev dwz file findutils g++ gcc gettext grep groff-base gzip help2man hostname init-system-helpers intltool-debian libacl1 libarchive-zip-perl libc-bin libc6 libc6-dev libdebhelper-perl libdpkg-perl libfile-stripnondeterminism-perl libgcc-s1 libstdc++6 libtool linux-libc-dev m4 make man-db mawk ncurses-base patch perl po-debconf sed sysvinit-utils tar texinfo util-linux xz-utils'.split(
    ' ',
  )

/** An upload of GNU hello as dpkg-buildpackage writes it: source, one binary package and one of documents. */
export function helloUpload(version: string, changes: string): readonly InputFile[] {
  const files: Files = new Map()
  const base = `hello_${version}`
  const upstream = version.replace(/-[^-]*$/, '')
  const orig = `hello_${upstream}.orig.tar.xz`
  const debian = `${base}.debian.tar.xz`
  const maintainer = 'Jo Müller <jo@example.org>'
  files.set(orig, payload(orig, 725_946, '\u00fd7zXZ\0'))
  files.set(debian, payload(debian, 13_480 + version.length, '\u00fd7zXZ\0'))
  files.set(`${base}_amd64.deb`, payload(`${base}_amd64.deb`, 53_204 + version.length, '!<arch>\n'))
  files.set(`hello-doc_${version}_all.deb`, payload(`hello-doc_${version}_all.deb`, 84_120, '!<arch>\n'))
  files.set(
    `${base}.dsc`,
    Buffer.from(
      `Format: 3.0 (quilt)\nSource: hello\nBinary: hello, hello-doc\nArchitecture: any all\nVersion: ${version}\nMaintainer: ${maintainer}\nHomepage: https://www.gnu.org/software/hello/\nStandards-Version: 4.7.2\nVcs-Browser: https://salsa.debian.org/debian/hello\nVcs-Git: https://salsa.debian.org/debian/hello.git\nTestsuite: autopkgtest\nBuild-Depends: debhelper-compat (= 13), help2man, texinfo\nPackage-List:\n hello deb devel optional arch=any\n hello-doc deb doc optional arch=all\n${lists(files, [orig, debian], 'Files')}`,
    ),
  )
  const built = [`${base}.dsc`, `hello-doc_${version}_all.deb`, `${base}_amd64.deb`]
  files.set(
    `${base}_amd64.buildinfo`,
    Buffer.from(
      `Format: 1.0\nSource: hello\nBinary: hello hello-doc\nArchitecture: all amd64 source\nVersion: ${version}\n${lists(files, built, 'Checksums-Md5')}Build-Origin: Debian\nBuild-Architecture: amd64\nBuild-Date: Fri, 20 Nov 2026 07:58:12 +0000\nBuild-Path: /build/reproducible-path/hello-${upstream}\nInstalled-Build-Depends:\n${builtWith.map((name, index) => ` ${name} (= ${1 + (index % 12)}.${index % 7}-${1 + (index % 3)})`).join(',\n')}\nEnvironment:\n DEB_BUILD_OPTIONS="parallel=8"\n LANG="C.UTF-8"\n LC_ALL="C.UTF-8"\n SOURCE_DATE_EPOCH="1795162800"\n`,
    ),
  )
  const listed = [
    `${base}.dsc`,
    orig,
    debian,
    `hello-doc_${version}_all.deb`,
    `${base}_amd64.buildinfo`,
    `${base}_amd64.deb`,
  ]
  files.set(
    `${base}_amd64.changes`,
    Buffer.from(
      `Format: 1.8\nDate: Fri, 20 Nov 2026 08:00:00 +0000\nSource: hello\nBinary: hello hello-doc\nArchitecture: source amd64 all\nVersion: ${version}\nDistribution: unstable\nUrgency: medium\nMaintainer: ${maintainer}\nChanged-By: Robin Example <robin@example.org>\nDescription:\n hello      - example package based on GNU hello\n hello-doc  - example package based on GNU hello (documents)\nCloses: 1012345\nChanges:\n hello (${version}) unstable; urgency=medium\n .\n${changes}\n${lists(files, listed, 'Files', ' devel optional')}`,
    ),
  )
  return [...files].map(([name, bytes]) => ({ name, bytes }))
}
