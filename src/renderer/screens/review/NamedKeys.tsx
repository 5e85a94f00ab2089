import { KeyKindBadge } from '../../design/Badge.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import type { KeyView } from './key-view.ts'

/** `with the production key A`: the keys in the headline, each with its kind. */
export function NamedKeys({ keys }: { readonly keys: readonly KeyView[] }) {
  const [only] = keys
  if (keys.length === 1 && only !== undefined) {
    return only.description === null ? (
      <>
        with a key that is <strong>not registered here</strong>.
      </>
    ) : (
      <>
        with the {only.production === true ? 'production' : 'test'} key <KeyName view={only} />{' '}
        <KeyKindBadge production={only.production === true} />
      </>
    )
  }
  return (
    <>
      with {keys.length} keys:{' '}
      {keys.map((key, index) => (
        <span key={key.number}>
          {index === 0 ? '' : index === keys.length - 1 ? ' and ' : ', '}
          <KeyName view={key} />
          {key.production === null ? null : (
            <>
              {' '}
              <KeyKindBadge production={key.production} />
            </>
          )}
        </span>
      ))}
    </>
  )
}

/** `A, B and C`, without their kinds. */
export function KeyNames({ keys }: { readonly keys: readonly KeyView[] }) {
  return keys.map((key, index) => (
    <span key={key.number}>
      {index === 0 ? '' : index === keys.length - 1 ? ' and ' : ', '}
      <KeyName view={key} />
    </span>
  ))
}

function KeyName({ view }: { readonly view: KeyView }) {
  return (
    <strong>
      {view.description === null ? 'a key that is not registered here' : <UntrustedText text={view.description} />}
    </strong>
  )
}
