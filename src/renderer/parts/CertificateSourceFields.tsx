import { Field } from '../design/Field.tsx'

export type SourceDraft = { readonly text: string; readonly paths: string }

/** Null: nothing was given, or something that is no absolute path. */
export function sourceOf({ text, paths }: SourceDraft): { readonly text: string; readonly paths: string[] } | null {
  const files = pathsIn(paths)
  if (text.trim() === '' && files.length === 0) return null
  return pathProblem(paths) === null ? { text: text.trim(), paths: files } : null
}

function pathsIn(paths: string): string[] {
  return paths
    .split('\n')
    .map((path) => path.trim())
    .filter((path) => path !== '')
}

function pathProblem(paths: string): string | null {
  const files = pathsIn(paths)
  if (files.length > 8) return 'At most 8 files.'
  return files.every((path) => path.startsWith('/'))
    ? null
    : 'Each line is a path from the root, such as /media/usb/device.pem.'
}

/** Certificates as pasted PEM, or as files of this machine. */
export function CertificateSourceFields({
  draft,
  onChange,
}: {
  readonly draft: SourceDraft
  readonly onChange: (draft: SourceDraft) => void
}) {
  return (
    <>
      <Field
        label="Certificates (PEM)"
        value={draft.text}
        onChange={(text) => onChange({ ...draft, text })}
        rows={6}
        mono
        maxLength={200_000}
        description="Paste them one below the other, in any order."
      />
      <Field
        label="Files, one path a line"
        value={draft.paths}
        onChange={(paths) => onChange({ ...draft, paths })}
        problem={pathProblem(draft.paths)}
        rows={2}
        mono
        description="PEM or DER, instead of pasting or beside it."
      />
    </>
  )
}
