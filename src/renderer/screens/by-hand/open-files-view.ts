import type { SignAs } from '../../../shared/by-hand.ts'
import type { RegisteredKey } from '../../../shared/key.ts'
import type { SelectOption } from '../../design/Select.tsx'
import { signAsWords } from '../../parts/wording.ts'

export const signAsOptions: readonly SelectOption<SignAs>[] = Object.entries(signAsWords).map(([value, { label }]) => ({
  value: value as SignAs, // its own keys
  label,
}))

/** What the names suggest; a person can choose otherwise, and the inspector says what the files are. Null: nothing is obvious. */
export function proposedMode(paths: readonly string[]): SignAs | null {
  const all = (form: RegExp) => paths.length > 0 && paths.every((path) => form.test(path))
  if (all(/\.changes$/)) return 'debian-upload'
  if (all(/\/Release$/)) return 'release-clear'
  if (all(/\.efi(?:\.unsigned)?$/i)) return 'uefi-detached'
  if (all(/\.(?:dsc|buildinfo|txt|md)$/)) return 'openpgp-clear'
  return null
}

/** Active keys of the purpose that the mode is for; main refuses any other. */
export function fittingKeys(keys: readonly RegisteredKey[], signAs: SignAs | null): readonly RegisteredKey[] {
  return signAs === null
    ? []
    : keys.filter(({ purpose, state }) => purpose === signAsWords[signAs].purpose && state === 'active')
}

export function pathProblem(path: string): string | null {
  return path === '' || path.startsWith('/') ? null : 'Give the whole path, from / on.'
}

export function folderProblem(path: string): string | null {
  return path === '' ? null : pathProblem(path)
}
