import { defaultConnector } from '../../../shared/yubihsm-connector.ts'
import { Button } from '../../design/Button.tsx'
import { Field } from '../../design/Field.tsx'
import { needsCa } from './connectors-view.ts'
import type { Draft, Problems } from './settings-view.ts'

const most = 8

/** How the YubiHSM's module reaches its devices: connectors, or USB. */
export function ConnectorsSection({
  draft,
  onChange,
  problems,
}: {
  readonly draft: Draft
  readonly onChange: (part: Partial<Draft>) => void
  readonly problems: Problems
}) {
  const { connectors } = draft
  const add = (connector: string) => onChange({ connectors: [...connectors, connector] })
  const isFull = connectors.length >= most
  return (
    <div className="settings-fields">
      <p className="small muted">
        Where the module finds a YubiHSM: through yubihsm-connector, or the device itself on USB (<code>yhusb://</code>
        ). Only one program can have a device on USB. The PIN itself is never sent: it makes the keys of a session with
        the device that is encrypted, whatever is between.
      </p>
      {connectors.length === 0 ? (
        <p className="small">
          None is chosen: the station uses the file that <code>YUBIHSM_PKCS11_CONF</code> named when it was started, or
          else <code>{defaultConnector}</code>.
        </p>
      ) : null}
      {connectors.map((connector, index) => (
        // Rows have no identity but their place.
        <div key={index} className="connector-row">
          <Field
            label={`Connector ${index + 1}`}
            value={connector}
            onChange={(value) => onChange({ connectors: connectors.map((old, at) => (at === index ? value : old)) })}
            mono
            maxLength={300}
            placeholder={defaultConnector}
          />
          <Button
            size="s"
            variant="quiet"
            aria-label={`Remove connector ${index + 1}`}
            onPress={() => onChange({ connectors: connectors.filter((_, at) => at !== index) })}
          >
            Remove
          </Button>
        </div>
      ))}
      {problems.connectors === undefined ? null : (
        <p className="field-error" role="alert">
          {problems.connectors}
        </p>
      )}
      <div className="row">
        <Button
          size="s"
          icon="plus"
          isDisabled={isFull}
          onPress={() => add(connectors.includes(defaultConnector) ? '' : defaultConnector)}
        >
          Add a connector
        </Button>
        <Button
          size="s"
          icon="plus"
          isDisabled={isFull || connectors.includes('yhusb://')}
          onPress={() => add('yhusb://')}
        >
          Use the device on USB
        </Button>
      </div>
      {needsCa(draft) ? (
        <Field
          label="Certificate authority of the connectors (PEM)"
          value={draft.connectorCa}
          onChange={(connectorCa) => onChange({ connectorCa })}
          problem={problems.connectorCa ?? null}
          rows={4}
          mono
          maxLength={200_000}
          description="For connectors that speak TLS (https://). Empty: those of the system."
        />
      ) : null}
    </div>
  )
}
