import type { DoctorCheck, DoctorFinding, DoctorVerdict } from '../../shared/doctor.ts'

export function ok(sentence: string): DoctorVerdict {
  return { kind: 'ok', sentence }
}
export function problem(sentence: string, advice: string, command: string | null = null): DoctorVerdict {
  return { kind: 'problem', sentence, advice, command }
}
export function notApplicable(sentence: string): DoctorVerdict {
  return { kind: 'not-applicable', sentence }
}
export function cannotTell(sentence: string): DoctorVerdict {
  return { kind: 'cannot-tell', sentence }
}

export function finding(check: DoctorCheck, subject: string | null, verdict: DoctorVerdict): DoctorFinding {
  return { check, subject: subject === null ? null : printable(subject, 4200), verdict }
}

// Controls, bidi marks, line ends, spaces that are not U+0020, what has no glyph: a device's name can hold any of them, and it is
// printed on a terminal.
const unseen = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u{fffd}]|(?! )\p{Zs}/gu

/** Text that somebody else chose, for a sentence: what would not show as itself is shown by its number. */
export function printable(text: string, max = 80): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text
  return cut
    .toWellFormed()
    .replace(
      unseen,
      (character) => `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
}

/** A word for a POSIX shell; what was chosen by others is inside of quotes or not given at all. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** Writes a file as root, from a shell. */
export function writeAsRoot(path: string, lines: readonly string[]): string {
  return `sudo tee ${path} >/dev/null <<'END'\n${lines.join('\n')}\nEND`
}
