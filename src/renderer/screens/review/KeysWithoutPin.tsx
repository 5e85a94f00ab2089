import { numbersOfKeys } from './key-numbers.ts'
import type { KeyView } from './key-view.ts'

/** Beside the fields for the PINs: a key in software has none, and nobody should look for it. */
export function KeysWithoutPin({ keys }: { readonly keys: readonly KeyView[] }) {
  const numbers = keys.filter(({ software }) => software).map(({ number }) => number)
  // Where no key has a PIN the dialog says so itself.
  if (numbers.length === 0 || numbers.length === keys.length) return null
  return (
    <p className="small muted">
      {numbersOfKeys(numbers)}{' '}
      {numbers.length === 1
        ? 'is kept in software on this station and has no PIN: your approval alone signs with it.'
        : 'are kept in software on this station and have no PIN: your approval alone signs with them.'}
    </p>
  )
}
