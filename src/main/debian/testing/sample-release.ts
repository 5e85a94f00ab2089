import { createHash } from 'node:crypto'

export interface SampleRelease {
  readonly date?: string
  readonly validUntil?: string
  readonly components?: string
  /** Content of each index by its name. */
  readonly indexes?: Readonly<Record<string, string>>
}

const someIndexes = {
  'main/binary-amd64/Packages': 'a',
  'main/binary-arm64/Packages': 'b',
  'contrib/binary-all/Packages': 'c',
}

/** A `Release` as apt-ftparchive writes it, with blanks before the sizes. */
export function sampleRelease({
  date = 'Fri, 20 Nov 2026 08:00:00 UTC',
  validUntil = 'Fri, 27 Nov 2026 08:00:00 UTC',
  components = 'main contrib',
  indexes = someIndexes,
}: SampleRelease = {}): string {
  const list = (algorithm: string) =>
    Object.entries(indexes)
      .map(([name, content]) => {
        const digest = createHash(algorithm).update(content).digest('hex')
        return ` ${digest} ${String(content.length).padStart(16)} ${name}\n`
      })
      .join('')
  return `Origin: Example\nLabel: Example archive\nSuite: testing\nVersion: 14.0\nCodename: forky\nDate: ${date}\nValid-Until: ${validUntil}\nAcquire-By-Hash: yes\nArchitectures: all amd64 arm64\nComponents: ${components}\nMD5Sum:\n${list('md5')}SHA256:\n${list('sha256')}`
}
