import type { OpenPgpForm } from '../../../shared/key-generation.ts'
import type { Purpose } from '../../../shared/purpose.ts'
import { Options } from '../../design/Choice.tsx'
import { Field } from '../../design/Field.tsx'
import { purposeWords } from '../../parts/wording.ts'

type OwnerPart = { readonly userId?: string; readonly expiryYears?: string; readonly form?: OpenPgpForm }

/** What was tried: docs/formats/openpgp.md §5. */
const forms: readonly { readonly value: OpenPgpForm; readonly label: string; readonly description: string }[] = [
  { value: 'v4', label: 'Version 4', description: 'Everybody takes it. Ed25519 as algorithm 22.' },
  {
    value: 'v4-ed25519',
    label: 'Version 4, Ed25519 as algorithm 27',
    description: 'Sequoia 1.3 (sq, sqv) and OpenPGP.js take it; GnuPG 2.2 and 2.4 and the Sequoia of Debian 12 do not.',
  },
  {
    value: 'v6',
    label: 'Version 6 (RFC 9580)',
    description:
      'Sequoia 1.3, OpenPGP.js and the apt of Debian 13 take it; GnuPG 2.2 and 2.4 and the apt of Debian 12 do not.',
  },
]

/** What an OpenPGP certificate is to say of its owner, and for how long. */
export function OpenPgpFields({
  userId,
  expiryYears,
  form,
  mayBeEd25519,
  problems,
  onChange,
}: {
  readonly userId: string
  readonly expiryYears: string
  readonly form: OpenPgpForm
  /** Whether one of the keys is of that kind, or its kind is not known yet. */
  readonly mayBeEd25519: boolean
  readonly problems: { readonly userId?: string; readonly expiryYears?: string }
  readonly onChange: (part: OwnerPart) => void
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
      <details className="advanced">
        <summary>Advanced</summary>
        <Options
          label="OpenPGP version"
          value={form}
          onChange={(next) => onChange({ form: next })}
          options={forms.map((each) => ({ ...each, isDisabled: each.value === 'v4-ed25519' && !mayBeEd25519 }))}
        />
      </details>
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
