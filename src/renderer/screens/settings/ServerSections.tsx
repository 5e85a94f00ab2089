import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Input, Label, Text, TextField } from 'react-aria-components'
import { Badge } from '../../design/Badge.tsx'
import { Button } from '../../design/Button.tsx'
import { FailureNotice } from '../../design/Notice.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { statusQuery, useAction } from '../../station/station-queries.ts'
import { enrolView } from './settings-view.ts'

export function EnrolSection({ unsaved }: { readonly unsaved: boolean }) {
  const station = useStation()
  const status = useQuery(statusQuery(station))
  const [activationToken, setActivationToken] = useState('')
  const enrol = useAction((api, token: string | null) => api.serverEnrol({ activationToken: token }))
  useStationEvent('desk.locked', () => setActivationToken(''))
  if (status.data === undefined) return null
  const view = enrolView(status.data)
  const tones = { 'no-server': 'neutral', 'to-enrol': 'attention', waiting: 'attention', enrolled: 'passed' } as const
  const words = {
    'no-server': 'No server yet',
    'to-enrol': 'Not enrolled',
    waiting: 'Waiting',
    enrolled: 'Enrolled',
  } as const
  async function enrolNow() {
    const token = activationToken.trim()
    setActivationToken('')
    await enrol.run(token === '' ? null : token)
  }

  return (
    <div className="settings-box" role="group" aria-label="Enrolment">
      <p>
        <Badge tone={tones[view.state]}>{words[view.state]}</Badge> <UntrustedText text={view.sentence} />
      </p>
      {view.state === 'to-enrol' ? (
        <>
          <SecretField
            label="Activation token"
            value={activationToken}
            onChange={setActivationToken}
            description="If the administrator gave you one (debusine 0.12 and later), the worker is enabled at once. Otherwise leave it empty."
          />
          {enrol.failure === null ? null : <FailureNotice failure={enrol.failure} title="Not enrolled" />}
          <div>
            <Button isPending={enrol.pending} isDisabled={unsaved} onPress={() => void enrolNow()}>
              Enrol this station
            </Button>
            {unsaved ? <span className="small muted"> Save the settings first.</span> : null}
          </div>
        </>
      ) : null}
    </div>
  )
}

export function UserTokenSection() {
  const station = useStation()
  const status = useQuery(statusQuery(station))
  const [token, setToken] = useState('')
  const set = useAction((api, value: string | null) => api.serverSetUserToken({ token: value }))
  useStationEvent('desk.locked', () => setToken(''))
  const isSet = status.data?.userTokenSet === true
  async function keep() {
    const value = token.trim()
    setToken('')
    await set.run(value)
  }

  return (
    <div className="settings-box" role="group" aria-label="Your API token">
      <p>
        <Badge tone={isSet ? 'passed' : 'neutral'}>{isSet ? 'Set' : 'Not set'}</Badge> Your API token shows work that
        waits at the server, and gives there what you answer or sign under Waiting for you. It is kept in a file that
        only this user can read, and is never shown again.
      </p>
      <SecretField label={isSet ? 'Another API token' : 'API token'} value={token} onChange={setToken} />
      {set.failure === null ? null : <FailureNotice failure={set.failure} />}
      <div className="row">
        <Button isDisabled={token.trim() === ''} isPending={set.pending} onPress={() => void keep()}>
          Keep this token
        </Button>
        {isSet ? (
          <Button variant="danger" onPress={() => void set.run(null)}>
            Remove it
          </Button>
        ) : null}
      </div>
    </div>
  )
}

function SecretField({
  label,
  value,
  onChange,
  description,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly description?: string
}) {
  return (
    <TextField className="field" type="password" value={value} onChange={onChange} maxLength={200}>
      <Label className="field-label">{label}</Label>
      <Input className="input mono" autoComplete="one-time-code" spellCheck="false" />
      {description === undefined ? null : (
        <Text slot="description" className="field-description">
          {description}
        </Text>
      )}
    </TextField>
  )
}
