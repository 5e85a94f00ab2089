import type { UsbDevice } from '../../shared/devices.ts'
import type { DoctorFinding, DoctorVerdict } from '../../shared/doctor.ts'
import { isDirect } from '../../shared/yubihsm-connector.ts'
import { askSocket } from './ask-socket.ts'
import { type Machine, readText } from './machine.ts'
import { cannotTell, finding, notApplicable, ok, problem } from './verdict.ts'

const limitMs = 2_500
const maxAnswer = 4_096

export type ConnectorAnswer =
  | { readonly kind: 'not-asked' }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'other-service' }
  | { readonly kind: 'no-device' }
  | { readonly kind: 'ok' }

/** One of the places where the module is told to look for a YubiHSM. */
export type Connector = {
  readonly url: string
  readonly port: number
  readonly answer: ConnectorAnswer
}

export type ConnectorState = {
  /** The module is told to use the device itself. */
  readonly direct: boolean
  /** In the order of the configuration. */
  readonly connectors: readonly Connector[]
  /** Nobody chose it: it was asked because it may hold the device that the module shall use itself. */
  readonly rival: Connector | null
}

/** As many as the settings hold. */
const mostConnectors = 8

/** What yubihsm_pkcs11 is configured to reach, and whether it answers. Only connectors on this machine are asked. */
export async function readConnectors(machine: Machine, isWanted: boolean): Promise<ConnectorState> {
  const file = machine.environment['YUBIHSM_PKCS11_CONF']
  const text = file === undefined || file === '' ? null : await readText(machine, file)
  const lines = (text ?? '').matchAll(/^\s*connector\s*=\s*(?:"([^"\n]*)"|(\S+))/gm)
  const configured = Array.from(lines, ([, quoted, bare]) => quoted ?? bare ?? '').slice(0, mostConnectors)
  const direct = configured.some(isDirect)
  const urls = configured.length === 0 ? [machine.usualConnector] : configured
  const connectors = await Promise.all(urls.map((url) => readConnector(url, isWanted)))
  const isRivalKnown = !direct || connectors.some(({ answer }) => answer.kind === 'ok')
  const rival = isRivalKnown ? null : await readConnector(machine.usualConnector, isWanted)
  return { direct, connectors, rival: rival?.answer.kind === 'ok' ? rival : null }
}

/** Whether a connector has the device. */
export function isServed({ connectors }: ConnectorState): boolean {
  return connectors.some(({ answer }) => answer.kind === 'ok')
}

async function readConnector(url: string, isWanted: boolean): Promise<Connector> {
  if (isDirect(url) || !isWanted) return { url, port: 0, answer: { kind: 'not-asked' } }
  if (!URL.canParse(url)) return { url, port: 0, answer: { kind: 'elsewhere' } }
  const { hostname, port: given, protocol } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const port = given === '' ? 80 : Number(given)
  if (protocol !== 'http:' || !/^(?:127(?:\.\d{1,3}){3}|localhost|::1)$/.test(host))
    return { url, port, answer: { kind: 'elsewhere' } }
  return { url, port, answer: await ask(host === 'localhost' ? '127.0.0.1' : host, port) }
}

async function ask(host: string, port: number): Promise<ConnectorAnswer> {
  const question = `GET /connector/status HTTP/1.0\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`
  const said = await askSocket({ host, port }, Buffer.from(question, 'latin1'), {
    most: maxAnswer,
    limitMs,
    enough: (bytes) => /^status=\S+[^]*^port=\d+/m.test(bytes.toString('latin1')),
  })
  switch (said.kind) {
    case 'failed':
      return said.code === 'ETIMEDOUT' ? { kind: 'silent' } : { kind: 'refused' }
    case 'silent':
      return { kind: 'silent' }
    case 'closed':
      return { kind: 'other-service' }
    case 'answered': {
      const text = said.bytes.toString('latin1')
      if (!/^HTTP\/1\.[01] 200/.test(text) || !/^version=/m.test(text)) return { kind: 'other-service' }
      const [, status] = /^status=(OK|NO_DEVICE)\s*$/m.exec(text) ?? []
      return { kind: status === 'OK' ? 'ok' : status === 'NO_DEVICE' ? 'no-device' : 'other-service' }
    }
  }
}

/** A finding for each of them. */
export function connectorFindings(
  { direct, connectors, rival }: ConnectorState,
  devices: readonly UsbDevice[],
  isWanted: boolean,
): readonly DoctorFinding[] {
  if (!isWanted)
    return [finding('connector', null, notApplicable('No YubiHSM is on USB, and its module is not chosen.'))]
  const onUsb = devices.some(({ kind }) => kind === 'yubihsm')
  const all = rival === null ? connectors : [...connectors, rival]
  return all.map((each) => finding('connector', each.url, verdictOf(each, direct, onUsb)))
}

const installAndStart =
  'sudo apt-get install yubihsm-connector && sudo systemctl enable --now yubihsm-connector.service'
const restart = 'sudo systemctl restart yubihsm-connector.service'

function verdictOf({ answer, port }: Connector, direct: boolean, onUsb: boolean): DoctorVerdict {
  switch (answer.kind) {
    case 'not-asked':
      return notApplicable('The module uses the device itself (yhusb://), without a connector.')
    case 'elsewhere':
      return cannotTell('The connector is on another machine, or speaks TLS, and was not asked.')
    case 'ok':
      return direct
        ? problem(
            'The connector holds the YubiHSM, and the module is also told to use the device itself (yhusb://). Only one can.',
            'Choose one of the two in Settings, under YubiHSM. To end the connector:',
            'sudo systemctl disable --now yubihsm-connector.service',
          )
        : ok('The connector answers and has a YubiHSM.')
    case 'no-device':
      return onUsb
        ? problem(
            'The connector answers that it has no device, though a YubiHSM is on USB.',
            'It may not open the device (its udev rule came later than the device), or another program holds it. Plug the YubiHSM in again, or:',
            `sudo udevadm trigger --subsystem-match=usb && ${restart}`,
          )
        : problem('The connector answers that it has no device.', 'Plug the YubiHSM in. If it is plugged in:', restart)
    case 'refused':
      return problem(
        `Nobody listens at port ${port}: the YubiHSM connector does not run, and the module reaches the YubiHSM through it.`,
        'Start it:',
        installAndStart,
      )
    case 'silent':
      return problem(`What listens at port ${port} does not answer.`, 'If it is the connector, start it anew:', restart)
    case 'other-service':
      return problem(
        `Something else than the YubiHSM connector answers at port ${port}.`,
        'Find out what it is, and move one of the two to another port:',
        `sudo ss -ltnp 'sport = :${port}'`,
      )
  }
}
