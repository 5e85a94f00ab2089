import { createHash } from 'node:crypto'

export type SampleFiles = Map<string, Buffer>

const digest = (algorithm: string, bytes: Uint8Array) => createHash(algorithm).update(bytes).digest('hex')

function lists(files: SampleFiles, names: readonly string[], first: 'changes' | 'dsc' | 'buildinfo'): string {
  const rows = (algorithm: string, between = '') =>
    names
      .map((name) => {
        const bytes = files.get(name) ?? Buffer.alloc(0)
        return ` ${digest(algorithm, bytes)} ${bytes.length}${between} ${name}\n`
      })
      .join('')
  const sha = `Checksums-Sha1:\n${rows('sha1')}Checksums-Sha256:\n${rows('sha256')}`
  if (first === 'buildinfo') return `Checksums-Md5:\n${rows('md5')}${sha}`
  return `${sha}Files:\n${rows('md5', first === 'changes' ? ' misc optional' : '')}`
}

/** A source and binary upload as dpkg-buildpackage writes it, by file name; the last one is the `.changes`. */
export function sampleUpload(version = '1.0', source = 'hello', changes = '   * First.'): SampleFiles {
  const files: SampleFiles = new Map()
  const base = `${source}_${version}`
  files.set(`${base}.tar.xz`, Buffer.from(`the source of ${base}`))
  files.set(`${base}_amd64.deb`, Buffer.from(`!<arch>\nthe binary of ${base}`))
  files.set(`${source}-doc_${version}_all.deb`, Buffer.from(`!<arch>\nthe documents of ${base}`))
  const maintainer = 'Jörg Müller <joerg@example.org>'
  files.set(
    `${base}.dsc`,
    Buffer.from(
      `Format: 3.0 (native)\nSource: ${source}\nBinary: ${source}, ${source}-doc\nArchitecture: any all\nVersion: ${version}\nMaintainer: ${maintainer}\nStandards-Version: 4.7.0\nPackage-List:\n ${source} deb misc optional arch=any\n${lists(files, [`${base}.tar.xz`], 'dsc')}`,
    ),
  )
  files.set(
    `${base}_amd64.buildinfo`,
    Buffer.from(
      `Format: 1.0\nSource: ${source}\nBinary: ${source} ${source}-doc\nArchitecture: all amd64 source\nVersion: ${version}\n${lists(files, [`${base}.dsc`, `${source}-doc_${version}_all.deb`, `${base}_amd64.deb`], 'buildinfo')}Build-Origin: Debian\nBuild-Architecture: amd64\nInstalled-Build-Depends:\n base-files (= 13.8),\n bash (= 5.2)\nEnvironment:\n LANG="C.UTF-8"\n`,
    ),
  )
  const listed = [
    `${base}.dsc`,
    `${base}.tar.xz`,
    `${source}-doc_${version}_all.deb`,
    `${base}_amd64.buildinfo`,
    `${base}_amd64.deb`,
  ]
  files.set(
    `${base}_amd64.changes`,
    Buffer.from(
      `Format: 1.8\nDate: Thu, 01 Jan 2026 00:00:00 +0000\nSource: ${source}\nBinary: ${source} ${source}-doc\nArchitecture: source amd64 all\nVersion: ${version}\nDistribution: unstable\nUrgency: medium\nMaintainer: ${maintainer}\nChanged-By: ${maintainer}\nDescription:\n ${source} - says hello\nCloses: 123456 654321\nChanges:\n ${source} (${version}) unstable; urgency=medium\n .\n${changes}\n${lists(files, listed, 'changes')}`,
    ),
  )
  return files
}

/** The same upload after one of its texts was changed by `edit`: the lists of what names it are made to match again. */
export function edited(files: SampleFiles, name: string, edit: (text: string) => string): SampleFiles {
  const made = new Map(files)
  made.set(name, Buffer.from(edit(files.get(name)?.toString('utf8') ?? '')))
  return made
}
