/** A version as deb-version(7) has it. */
export interface DebianVersion {
  readonly epoch: number
  readonly upstream: string
  /** Empty: a native package. */
  readonly revision: string
}

const maxLength = 500
const maxEpoch = 2_147_483_647

/** Null: not a version that dpkg accepts. */
export function parseVersion(text: string): DebianVersion | null {
  if (text.length > maxLength) return null
  const colon = text.indexOf(':')
  const epochText = colon === -1 ? '0' : text.slice(0, colon)
  if (!/^\d{1,10}$/.test(epochText) || Number(epochText) > maxEpoch) return null
  const rest = text.slice(colon + 1)
  const dash = rest.lastIndexOf('-')
  const upstream = dash === -1 ? rest : rest.slice(0, dash)
  const revision = dash === -1 ? '' : rest.slice(dash + 1)
  if (!/^\d[A-Za-z0-9.+~:-]*$/.test(upstream)) return null
  if (dash !== -1 && !/^[A-Za-z0-9.+~]+$/.test(revision)) return null
  return { epoch: Number(epochText), upstream, revision }
}

/** Negative, zero or positive, by dpkg's rules (deb-version(7), "Sorting algorithm"). */
export function compareVersions(a: DebianVersion, b: DebianVersion): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch
  return compareParts(a.upstream, b.upstream) || compareParts(a.revision, b.revision)
}

/** Letters before all others, a tilde before the end, the end before everything else. */
function order(character: string | undefined): number {
  if (character === undefined || isDigit(character)) return 0
  if (character === '~') return -1
  const code = character.charCodeAt(0)
  return /[A-Za-z]/.test(character) ? code : code + 256
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

/** Turn by turn what is not a digit, character by character, then a number. */
function compareParts(a: string, b: string): number {
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    while ((i < a.length && !isDigit(a[i])) || (j < b.length && !isDigit(b[j]))) {
      const difference = order(a[i]) - order(b[j])
      if (difference !== 0) return difference
      i++
      j++
    }
    const left = numberAt(a, i)
    const right = numberAt(b, j)
    const difference = compareNumbers(left, right)
    if (difference !== 0) return difference
    i += left.length
    j += right.length
  }
  return 0
}

function numberAt(text: string, from: number): string {
  let end = from
  while (isDigit(text[end])) end++
  return text.slice(from, end)
}

/** As text: a number of hundreds of digits is allowed. */
function compareNumbers(a: string, b: string): number {
  const left = a.replace(/^0+/, '')
  const right = b.replace(/^0+/, '')
  if (left.length !== right.length) return left.length - right.length
  return left < right ? -1 : Number(left > right)
}
