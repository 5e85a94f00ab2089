import type { DeviceLogState } from '../../../shared/device-log.ts'
import type { Failure } from '../../../shared/failure.ts'
import type { RegisteredKey } from '../../../shared/key.ts'
import type { TokenObject, TokenSummary } from '../../../shared/token.ts'
import { Badge, KeyKindBadge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { FactList } from '../../parts/FactList.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useNow } from '../../parts/use-now.ts'
import { DeviceLog } from './DeviceLog.tsx'
import { objectRow, tokenCard } from './keys-view.ts'

type TokenCardProps = {
  readonly token: TokenSummary
  readonly objects: readonly TokenObject[]
  readonly mechanisms: readonly string[]
  readonly problem: Failure | null
  readonly keys: readonly RegisteredKey[]
  /** Of a token that keeps a log. */
  readonly deviceLog: DeviceLogState | null
  /** Null: a key that the token does not show before its PIN. */
  readonly onRegister: (object: TokenObject | null) => void
  readonly onGenerate: () => void
}

export function TokenCard({
  token,
  objects,
  mechanisms,
  problem,
  keys,
  deviceLog,
  onRegister,
  onGenerate,
}: TokenCardProps) {
  const view = tokenCard(token, mechanisms)
  const now = useNow()
  return (
    <article className="card token-card" aria-label={`Token ${token.id.serial}`}>
      <div className="row">
        <h3 className="grow">
          <UntrustedText text={view.title} truncate />
        </h3>
        <Badge tone={view.pin.tone}>{view.pin.text}</Badge>
        <Button
          size="s"
          isDisabled={problem !== null}
          onPress={onGenerate}
          aria-label={`Generate a key on ${token.id.serial}`}
        >
          Generate a key …
        </Button>
      </div>
      <FactList facts={view.facts} />
      {mechanisms.length === 0 ? null : (
        <details className="small mechanisms">
          <summary>All mechanisms</summary>
          <p className="mono mechanism-names">{mechanisms.join(' ')}</p>
        </details>
      )}
      {problem === null ? null : <FailureNotice failure={problem} />}
      {deviceLog === null ? null : <DeviceLog state={deviceLog} />}
      <h4 className="token-objects-title">
        Keys on it {view.hidesKeys ? null : <span className="muted small">{objects.length}</span>}
      </h4>
      {view.hidesKeys ? (
        <div className="row">
          <p className="muted small grow">A YubiHSM shows no key before its PIN was given.</p>
          <Button
            size="s"
            onPress={() => onRegister(null)}
            aria-label={`Register a key by its id on ${token.id.serial}`}
          >
            Register a key by its id …
          </Button>
        </div>
      ) : objects.length === 0 ? (
        <p className="muted small">The token shows no key. Generate one, or put one on it with its maker’s tool.</p>
      ) : null}
      {objects.length === 0 ? null : (
        <ul className="objects">
          {objects.map((object) => {
            const row = objectRow(token.id, object, keys, now)
            return (
              <li key={`${object.ckaId} ${object.spkiSha256}`} className="object-row">
                <span className="object-name">
                  <UntrustedText text={row.label} truncate />
                </span>
                <span className="small object-place">{row.place}</span>
                <span className="small muted">
                  {row.about}
                  {row.note === null ? null : (
                    <>
                      <br />
                      <UntrustedText text={row.note} />
                    </>
                  )}
                </span>
                <span className="row row-end">
                  {row.validity === null ? null : <Badge tone={row.validity.tone}>{row.validity.text}</Badge>}
                  {row.registeredAs === null ? (
                    row.mayRegister ? (
                      <Button size="s" onPress={() => onRegister(object)} aria-label={`Register ${row.label}`}>
                        Register …
                      </Button>
                    ) : null
                  ) : (
                    <>
                      <KeyKindBadge production={row.registeredAs.production} />
                      <Badge>Registered</Badge>
                    </>
                  )}
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </article>
  )
}
