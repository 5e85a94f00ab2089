const consonants = 'bdfghjklmnprstvz'
const vowels = 'aiou'

/**
 * Sixteen bits as a word that can be said aloud (consonant-vowel-consonant-vowel-consonant; proquints, arXiv:0901.4016). One word
 * for each group of four hex digits: nothing is lost or added, so the words compare exactly as the digits do.
 */
export function proquint(group: string): string {
  if (!/^[0-9a-f]{4}$/i.test(group)) throw new RangeError(`not four hex digits: ${JSON.stringify(group)}`)
  const value = Number.parseInt(group, 16)
  const consonant = (shift: number) => consonants.charAt((value >> shift) & 0xf)
  const vowel = (shift: number) => vowels.charAt((value >> shift) & 0x3)
  return consonant(12) + vowel(10) + consonant(6) + vowel(4) + consonant(0)
}

/** Splits hex into groups of four; a shorter rest is its own group. */
export function hexGroups(hex: string): readonly string[] {
  return hex.match(/.{1,4}/g) ?? []
}
