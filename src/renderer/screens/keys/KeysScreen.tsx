import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { plainNumber } from '../../parts/format.ts'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import { keysQuery, tokensQuery, useAction } from '../../station/station-queries.ts'
import { KeyCard } from './KeyCard.tsx'
import { RegisterDialog, type Registering } from './RegisterDialog.tsx'
import { ServiceKeysSection } from './ServiceKeysSection.tsx'
import { SoftwareKeyDialog } from './SoftwareKeyDialog.tsx'
import { TokenCard } from './TokenCard.tsx'
import './keys.css'

export function KeysScreen() {
  const station = useStation()
  const heading = usePageHeading()
  const { go } = useNavigation()
  const tokens = useQuery(tokensQuery(station))
  const keys = useQuery(keysQuery(station))
  const refresh = useAction((api, _input: null) => api.tokensList({ refresh: true }))
  const [registering, setRegistering] = useState<Registering | null>(null)
  const [making, setMaking] = useState(false)
  const problems = tokens.data?.modules.filter((module) => module.problem !== null) ?? []
  async function readAgain() {
    await refresh.run(null)
    await Promise.all([tokens.refetch(), keys.refetch()])
  }

  return (
    <div className="screen">
      <header className="screen-head">
        <h1 ref={heading} tabIndex={-1}>
          Keys &amp; tokens
        </h1>
        <span className="grow" />
        <Button size="s" onPress={() => setMaking(true)}>
          Make a software test key …
        </Button>
        <Button size="s" icon="refresh" isPending={refresh.pending} onPress={() => void readAgain()}>
          Read tokens again
        </Button>
      </header>
      <div className="screen-body screen-scroll keys-body">
        {refresh.failure === null ? null : <FailureNotice failure={refresh.failure} />}
        <section className="section" aria-labelledby="keys-registered">
          <h2 id="keys-registered">
            Registered keys <span className="muted">{plainNumber(keys.data?.length ?? 0)}</span>
          </h2>
          {keys.isError ? <FailureNotice failure={failureFrom(keys.error)} /> : null}
          {keys.data?.length === 0 ? (
            <p className="muted card card-pad">
              No key is registered. Plug in the token that holds it and choose “Register …” beside the object below. To
              try the station out without a token, make a software test key.
            </p>
          ) : null}
          {keys.data?.map((key) => (
            <KeyCard key={`${key.purpose} ${key.fingerprint}`} registered={key} />
          ))}
        </section>
        <ServiceKeysSection />
        <section className="section" aria-labelledby="keys-tokens">
          <h2 id="keys-tokens">
            Tokens plugged in <span className="muted">{plainNumber(tokens.data?.tokens.length ?? 0)}</span>
          </h2>
          {tokens.isError ? <FailureNotice failure={failureFrom(tokens.error)} /> : null}
          {problems.map((module) =>
            module.problem === null ? null : (
              <FailureNotice key={module.path} failure={module.problem} title={`Module ${module.path}`} />
            ),
          )}
          {tokens.data?.tokens.length === 0 ? (
            tokens.data.modules.length === 0 ? (
              <EmptyState
                title="No PKCS#11 module is set"
                actions={<Button onPress={() => go({ screen: 'settings' })}>Open Settings</Button>}
              >
                A token is reached through its vendor’s module, such as /usr/lib/x86_64-linux-gnu/libykcs11.so.
              </EmptyState>
            ) : (
              <p className="muted card card-pad">No token is plugged in.</p>
            )
          ) : null}
          {tokens.data?.tokens.map(({ token, objects, problem }) => (
            <TokenCard
              key={`${token.module} ${token.id.serial}`}
              token={token}
              objects={objects}
              problem={problem}
              keys={keys.data ?? []}
              onRegister={(object) => setRegistering({ token, object })}
            />
          ))}
        </section>
      </div>
      {making ? <SoftwareKeyDialog onClose={() => setMaking(false)} /> : null}
      {registering === null ? null : <RegisterDialog registering={registering} onClose={() => setRegistering(null)} />}
    </div>
  )
}
