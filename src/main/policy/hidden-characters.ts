/**
 * Characters that a person who reads the sheet would not see, or see in another place: controls, formats, what has no glyph of its own
 * (UAX #44 Default_Ignorable_Code_Point), and blanks that are taken for a plain one.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u

/** The first of them in any of the texts, as `U+202E`; null: there is none. Tabs are a text's own. */
export function hiddenCharacter(texts: readonly (string | null)[]): string | null {
  for (const text of texts) {
    const [found] = hidden.exec((text ?? '').replaceAll('\t', ' ')) ?? []
    if (found !== undefined) return `U+${(found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
  }
  return null
}
