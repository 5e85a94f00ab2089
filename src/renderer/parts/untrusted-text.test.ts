import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { visibleParts, visibleString } from './untrusted-text.ts'

describe('text from outside', () => {
  it('is shown as it is when every character shows as itself', () => {
    expect(visibleParts('shimx64.efi – Größe 日本語 عربى')).toEqual([
      { kind: 'text', text: 'shimx64.efi – Größe 日本語 عربى' },
    ])
  })

  it('keeps markup as text', () => {
    expect(visibleParts('<img src=x onerror=alert(1)>&amp;')).toEqual([
      { kind: 'text', text: '<img src=x onerror=alert(1)>&amp;' },
    ])
  })

  it('shows a right-to-left override by its number', () => {
    expect(visibleParts('grub\u202Eefi.exe')).toEqual([
      { kind: 'text', text: 'grub' },
      { kind: 'mark', code: 'U+202E', name: 'right-to-left override' },
      { kind: 'text', text: 'efi.exe' },
    ])
  })

  it.each([
    ['null', '\0', 'U+0000'],
    ['escape', '\u001B[2K', 'U+001B'],
    ['zero width space', 'a\u200Bb', 'U+200B'],
    ['no-break space', 'a\u00A0b', 'U+00A0'],
    ['ideographic space', 'a\u3000b', 'U+3000'],
    ['tag letter', 'a\u{E0041}', 'U+E0041'],
    ['lone surrogate', 'a\uD800b', 'U+D800'],
    ['private use', '\uE000', 'U+E000'],
    ['line separator', 'a\u2028b', 'U+2028'],
    ['variation selector', 'a\uFE0F', 'U+FE0F'],
    ['Hangul filler', 'a\u3164b', 'U+3164'],
    ['line feed in a name', 'a\nb', 'U+000A'],
  ])('marks a %s', (_name, text, code) => {
    expect(visibleString(text)).toContain(`[${code}]`)
  })

  it('keeps the lines of a text that has lines, and still marks carriage returns', () => {
    expect(visibleParts('a\n\tb\r', { multiline: true })).toEqual([
      { kind: 'text', text: 'a\n\tb' },
      { kind: 'mark', code: 'U+000D', name: 'carriage return' },
    ])
  })

  it('marks combining characters that are stacked to paint over other lines', () => {
    expect(visibleString(`e${'\u0301'.repeat(5)}`)).toBe('e\u0301\u0301\u0301[U+0301][U+0301]')
  })

  it('never lets a bidi control or a control character through, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const part of visibleParts(text))
          if (part.kind === 'text') expect(part.text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      }),
    )
  })

  it('loses nothing: every code point is text or a mark', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const shown = visibleParts(text).reduce(
          (sum, part) => sum + (part.kind === 'text' ? Array.from(part.text).length : 1),
          0,
        )
        expect(shown).toBe(Array.from(text).length)
      }),
    )
  })
})
