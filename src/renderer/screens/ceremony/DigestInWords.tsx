import { pgpWords } from '../../../shared/pgp-words.ts'
import { Digest } from '../../design/Digest.tsx'

/** A digest as digits, and as the words that are read aloud in a ceremony: the same everywhere in it. */
export function DigestInWords({ hex }: { readonly hex: string }) {
  return (
    <>
      <Digest hex={hex} />
      <p className="ceremony-told">
        {pgpWords(hex)
          .map(({ word }) => word)
          .join(' ')}
      </p>
    </>
  )
}
