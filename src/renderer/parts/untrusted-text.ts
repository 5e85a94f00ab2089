/** A run of text that is shown as it is, or one code point that is shown by its number because it would not show as itself. */
export type VisiblePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'mark'; readonly code: string; readonly name: string }

const names = new Map<number, string>([
  [0x00, 'null'],
  [0x09, 'tab'],
  [0x0a, 'line feed'],
  [0x0d, 'carriage return'],
  [0x1b, 'escape'],
  [0x7f, 'delete'],
  [0xa0, 'no-break space'],
  [0xad, 'soft hyphen'],
  [0x61c, 'Arabic letter mark'],
  [0x200b, 'zero width space'],
  [0x200c, 'zero width non-joiner'],
  [0x200d, 'zero width joiner'],
  [0x200e, 'left-to-right mark'],
  [0x200f, 'right-to-left mark'],
  [0x2028, 'line separator'],
  [0x2029, 'paragraph separator'],
  [0x202a, 'left-to-right embedding'],
  [0x202b, 'right-to-left embedding'],
  [0x202c, 'pop directional formatting'],
  [0x202d, 'left-to-right override'],
  [0x202e, 'right-to-left override'],
  [0x2060, 'word joiner'],
  [0x2066, 'left-to-right isolate'],
  [0x2067, 'right-to-left isolate'],
  [0x2068, 'first strong isolate'],
  [0x2069, 'pop directional isolate'],
  [0x3164, 'Hangul filler'],
  [0xfeff, 'zero width no-break space'],
  [0xfffd, 'replacement character'],
])

// Controls, formats (bidi controls, zero-width, tags), surrogates, private use, unassigned; line and paragraph separators; every space
// but U+0020; code points without a glyph of their own (UAX #44 Default_Ignorable_Code_Point); what a decoder puts for bytes it cannot read.
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{fffd}]|(?! )\p{Zs}/u
const combining = /\p{M}/u

/** More marks than this on one letter are a way to paint over the lines above and below (no script needs as many). */
const maxCombining = 3

/**
 * Splits text that came from outside so that everything in it can be seen: whatever would be invisible, would move other
 * characters or would not be told from a plain space becomes a mark. Line feeds are kept as text where `multiline` is set.
 */
export function visibleParts(
  text: string,
  options: { readonly multiline: boolean } = { multiline: false },
): readonly VisiblePart[] {
  const parts: VisiblePart[] = []
  let run = ''
  let marksOnLetter = 0
  for (const character of text) {
    const isCombining = combining.test(character)
    marksOnLetter = isCombining ? marksOnLetter + 1 : 0
    const keptBreak = options.multiline && (character === '\n' || character === '\t')
    if (!keptBreak && (unseen.test(character) || marksOnLetter > maxCombining)) {
      if (run !== '') parts.push({ kind: 'text', text: run })
      run = ''
      parts.push(mark(character, isCombining))
    } else {
      run += character
    }
  }
  if (run !== '') parts.push({ kind: 'text', text: run })
  return parts
}

function mark(character: string, isCombining: boolean): VisiblePart {
  const point = character.codePointAt(0) ?? 0
  const code = `U+${point.toString(16).toUpperCase().padStart(4, '0')}`
  return {
    kind: 'mark',
    code,
    name: names.get(point) ?? (isCombining ? 'stacked combining mark' : 'invisible character'),
  }
}

/** The same as one plain string, for accessible names and tooltips: marks are written `[U+202E]`. */
export function visibleString(text: string): string {
  return visibleParts(text)
    .map((part) => (part.kind === 'text' ? part.text : `[${part.code}]`))
    .join('')
}
