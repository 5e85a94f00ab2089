import type { TokenId, TokenObject } from '../../../shared/token.ts'
import { Digest } from '../../design/Digest.tsx'
import { tokenName } from '../../parts/pin-view.ts'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { algorithmWords } from '../../parts/wording.ts'

/** Which key of which token was chosen, as the token shows it. */
export function ChosenKey({ token, object }: { readonly token: TokenId; readonly object: TokenObject }) {
  return (
    <div className="register-object">
      <p>
        <strong>{algorithmWords[object.algorithm]}</strong>, object <code>{object.ckaId}</code> on{' '}
        <UntrustedText text={tokenName(token)} exact />
      </p>
      {object.spkiSha256 === null ? null : (
        <div>
          <p className="small muted">SHA-256 of its public key, read from the token</p>
          <Digest hex={object.spkiSha256} />
        </div>
      )}
    </div>
  )
}
