import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { TokenObject, TokenSummary } from '../../../shared/token.ts'
import { Button } from '../../design/Button.tsx'
import { EmptyState } from '../../design/EmptyState.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { useNavigation } from '../../navigation.tsx'
import { plainNumber } from '../../parts/format.ts'
import { usePageHeading } from '../../parts/use-page-heading.ts'
import { useStation } from '../../station/station-context.tsx'
import { failureFrom } from '../../station/station-failure.ts'
import {
  attestationsQuery,
  deviceLogsQuery,
  devicesQuery,
  keysQuery,
  tokensQuery,
  useAction,
} from '../../station/station-queries.ts'
import { Devices } from './Devices.tsx'
import { DoctorDialog } from './DoctorDialog.tsx'
import { noTokenSentence } from './devices-view.ts'
import { GenerateDialog } from './GenerateDialog.tsx'
import { Generations } from './Generations.tsx'
import { KeyCard } from './KeyCard.tsx'
import { RegisterDialog, type Registering } from './RegisterDialog.tsx'
import { ServiceKeysSection } from './ServiceKeysSection.tsx'
import { SoftwareKeyDialog } from './SoftwareKeyDialog.tsx'
import { TokenCard } from './TokenCard.tsx'
import './keys.css'

type Seen = { readonly token: TokenSummary; readonly objects: readonly TokenObject[] }

export function KeysScreen() {
  const station = useStation()
  const heading = usePageHeading()
  const { go } = useNavigation()
  const tokens = useQuery(tokensQuery(station))
  const keys = useQuery(keysQuery(station))
  const attestations = useQuery(attestationsQuery(station))
  const devices = useQuery(devicesQuery(station))
  const deviceLogs = useQuery(deviceLogsQuery(station))
  const refresh = useAction((api, _input: null) => api.tokensList({ refresh: true }))
  const [registering, setRegistering] = useState<Registering | null>(null)
  const [making, setMaking] = useState(false)
  const [asking, setAsking] = useState(false)
  const [generating, setGenerating] = useState<Seen | null>(null)
  const begin = useAction((api, input: Parameters<typeof api.generationBegin>[0]) => api.generationBegin(input))
  const problems = tokens.data?.modules.filter((module) => module.problem !== null) ?? []
  async function readAgain() {
    await refresh.run(null)
    await Promise.all([tokens.refetch(), keys.refetch(), deviceLogs.refetch()])
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
        <Generations />
        <section className="section" aria-labelledby="keys-registered">
          <h2 id="keys-registered">
            Registered keys <span className="muted">{plainNumber(keys.data?.length ?? 0)}</span>
          </h2>
          {attestations.isError ? <FailureNotice failure={failureFrom(attestations.error)} /> : null}
          {keys.isError ? <FailureNotice failure={failureFrom(keys.error)} /> : null}
          {keys.data?.length === 0 ? (
            <p className="muted card card-pad">
              No key is registered. Plug in the token that holds it and choose “Register …” beside the object below. To
              try the station out without a token, make a software test key.
            </p>
          ) : null}
          {keys.data?.map((key) => (
            <KeyCard
              key={`${key.purpose} ${key.fingerprint}`}
              registered={key}
              attestations={attestations.data ?? []}
            />
          ))}
        </section>
        <ServiceKeysSection />
        <section className="section" aria-labelledby="keys-tokens">
          <div className="row">
            <h2 id="keys-tokens" className="grow">
              Tokens plugged in <span className="muted">{plainNumber(tokens.data?.tokens.length ?? 0)}</span>
            </h2>
            <Button size="s" variant="quiet" aria-haspopup="dialog" onPress={() => setAsking(true)}>
              Find out why a token is not shown …
            </Button>
          </div>
          {devices.data === undefined ? null : <Devices state={devices.data} />}
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
              <EmptyState
                title="No token is shown"
                actions={
                  <Button aria-haspopup="dialog" onPress={() => setAsking(true)}>
                    Find out why
                  </Button>
                }
              >
                {noTokenSentence(devices.data)}
              </EmptyState>
            )
          ) : null}
          {tokens.data?.tokens.map(({ token, objects, mechanisms, problem }) => (
            <TokenCard
              key={`${token.module} ${token.id.serial}`}
              token={token}
              objects={objects}
              mechanisms={mechanisms}
              problem={problem}
              keys={keys.data ?? []}
              deviceLog={
                token.id.model.startsWith('YubiHSM')
                  ? (deviceLogs.data?.find(({ serial }) => serial === token.id.serial) ?? null)
                  : null
              }
              onRegister={(object) => setRegistering({ token, object })}
              onGenerate={() => setGenerating({ token, objects })}
            />
          ))}
        </section>
      </div>
      {asking ? <DoctorDialog onClose={() => setAsking(false)} /> : null}
      {generating === null ? null : (
        <GenerateDialog
          token={generating.token}
          objects={generating.objects}
          description=""
          purpose={null}
          mayRequest
          confirm="Make the key"
          pending={begin.pending}
          onConfirm={(plan, { pin, officerPin, useLastTry }) => begin.run({ plan, pin, officerPin, useLastTry })}
          onClose={() => setGenerating(null)}
        />
      )}
      {making ? <SoftwareKeyDialog onClose={() => setMaking(false)} /> : null}
      {registering === null ? null : <RegisterDialog registering={registering} onClose={() => setRegistering(null)} />}
    </div>
  )
}
