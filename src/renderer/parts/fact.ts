/** Who says so. `station`: computed here from the bytes that will be signed, or from the station's own records. */
export type FactSource = 'server' | 'file' | 'station' | 'token'

/**
 * - `verified`: the station computed it or checked it against something that it trusts;
 * - `claimed`: somebody says so, and nothing here can prove it;
 * - `unknown`: could not be found out. Never shown as if it were good news.
 */
export type Assurance = 'verified' | 'claimed' | 'unknown'

export type FactValue =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'name'; readonly text: string }
  | { readonly kind: 'digest'; readonly hex: string }
  | { readonly kind: 'lines'; readonly text: string }
  | { readonly kind: 'time'; readonly iso: string }

/** One thing that the operator is told, with where it comes from and what that is worth. */
export type Fact = {
  readonly id: string
  readonly label: string
  readonly value: FactValue
  readonly source: FactSource
  readonly assurance: Assurance
}

export function text(value: string): FactValue {
  return { kind: 'text', text: value }
}

/** A name that somebody outside chose: shown in stored order, letter by letter. */
export function name(value: string): FactValue {
  return { kind: 'name', text: value }
}

export function digest(hex: string): FactValue {
  return { kind: 'digest', hex }
}

export const sourceWords: Record<FactSource, string> = {
  server: 'server',
  file: 'file',
  station: 'station',
  token: 'token',
}

/** `Verified here`, `Server says`: what stands beside a fact. */
export function assuranceWords(fact: Pick<Fact, 'source' | 'assurance'>): string {
  if (fact.assurance === 'unknown') return 'Unknown'
  if (fact.assurance === 'verified') return fact.source === 'token' ? 'Read from token' : 'Verified here'
  const says: Record<FactSource, string> = {
    server: 'Server says',
    file: 'File says',
    station: 'Entered here',
    token: 'Token says',
  }
  return says[fact.source]
}
