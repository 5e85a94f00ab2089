import type { Purpose } from '../../../shared/purpose.ts'
import { Options } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import { purposeWords } from '../../parts/wording.ts'

/** What an OpenPGP certificate is to say of its owner, and for how long. */
export function OpenPgpFields({
  userId,
  expiryYears,
  problems,
  onChange,
}: {
  readonly userId: string
  readonly expiryYears: string
  readonly problems: { readonly userId?: string; readonly expiryYears?: string }
  readonly onChange: (part: { readonly userId?: string; readonly expiryYears?: string }) => void
}) {
  return (
    <>
      <Field
        label="User id"
        value={userId}
        onChange={(next) => onChange({ userId: next })}
        problem={problems.userId ?? null}
        isRequired
        description="Name <mail>, as others will see it in the OpenPGP certificate."
      />
      <Field
        label="Expires after years"
        value={expiryYears}
        onChange={(next) => onChange({ expiryYears: next })}
        problem={problems.expiryYears ?? null}
        maxLength={2}
        description="Empty: it does not expire. It can be extended while the token is there."
      />
    </>
  )
}

const purposes: readonly { readonly value: Purpose; readonly description: string }[] = [
  { value: 'uefi', description: 'Boot loaders and kernels; a certificate of X.509.' },
  { value: 'openpgp', description: 'Texts and uploads; an OpenPGP certificate.' },
  { value: 'openpgp-repository', description: 'Repository indexes (debusine 0.12 and later); an OpenPGP certificate.' },
]

export function PurposeOptions({
  value,
  onChange,
  openPgpOnly = false,
}: {
  readonly value: Purpose
  readonly onChange: (purpose: Purpose) => void
  readonly openPgpOnly?: boolean
}) {
  return (
    <Options
      label="Purpose"
      value={value}
      onChange={onChange}
      options={purposes
        .filter((purpose) => !openPgpOnly || purpose.value !== 'uefi')
        .map((purpose) => ({ ...purpose, label: purposeWords[purpose.value] }))}
    />
  )
}
