import type { UsbState } from '../shared/devices.ts'
import type { StationStatus } from '../shared/status.ts'
import type { IconName } from './design/Icon.tsx'
import { count, plainNumber } from './parts/format.ts'

export type LineItem = {
  readonly id: 'server' | 'tokens' | 'log'
  readonly icon: IconName
  readonly tone: 'passed' | 'attention' | 'refused' | 'neutral'
  readonly text: string
  /** The whole story, for the tooltip and for screen readers. */
  readonly detail: string
}

export type DutyView = {
  readonly onDuty: boolean
  readonly label: string
  readonly sentence: string
  readonly action: string
  readonly question: string
}

/** The bottom line: server, tokens, log. `usb` null: not known yet. */
export function lineItems(status: StationStatus, usb: UsbState | null = null): readonly LineItem[] {
  return [serverItem(status), tokensItem(status, usb), logItem(status)]
}

function host(apiUrl: string): string {
  return URL.canParse(apiUrl) ? new URL(apiUrl).host : apiUrl
}

function serverItem({ server, offered }: StationStatus): LineItem {
  const base = { id: 'server', icon: 'server' } as const
  switch (server.kind) {
    case 'not-configured':
      return {
        ...base,
        tone: 'attention',
        text: 'No server',
        detail: 'No debusine server is set. Set one under Settings.',
      }
    case 'not-enrolled':
      return {
        ...base,
        tone: 'attention',
        text: `${host(server.apiUrl)}: not enrolled`,
        detail: 'This station is not registered at the server. Enrol it under Settings.',
      }
    case 'waiting-for-enable':
      return {
        ...base,
        tone: 'attention',
        text: `${host(server.apiUrl)}: waiting for an administrator`,
        detail: `An administrator of the server has to enable the worker ${server.workerFqdn}.`,
      }
    case 'connecting':
      return {
        ...base,
        tone: server.failure === null ? 'neutral' : 'refused',
        text: `${host(server.apiUrl)}: ${server.failure === null ? 'connecting' : 'not reachable'}`,
        detail: server.failure?.message ?? 'Connecting to the server.',
      }
    case 'connected':
      return {
        ...base,
        tone: 'passed',
        text: host(server.apiUrl),
        detail: `Connected (debusine ${server.dialect}). Told the server that this station can serve: ${offered.length === 0 ? 'nothing' : offered.join(', ')}.`,
      }
    case 'off-duty':
      return {
        ...base,
        tone: 'neutral',
        text: `${host(server.apiUrl)}: off duty`,
        detail: 'The station takes no work.',
      }
  }
}

const plugged = { yubikey: 'YubiKey', yubihsm: 'YubiHSM', reader: 'Card reader' } as const

function tokensItem({ tokens }: StationStatus, usb: UsbState | null): LineItem {
  const [first] = tokens
  // A reader is no token: many laptops have one built in that is never used.
  const [device, ...more] = (usb?.devices ?? []).filter(({ kind }) => kind !== 'reader')
  if (first === undefined && device !== undefined)
    return {
      id: 'tokens',
      icon: 'token',
      tone: 'attention',
      text: more.length === 0 ? `${plugged[device.kind]} plugged in` : `${count(more.length + 1, 'device')} plugged in`,
      detail: 'On USB, and not shown by a module yet. If that stays so, Keys & tokens finds out why.',
    }
  if (first === undefined)
    return {
      id: 'tokens',
      icon: 'token',
      tone: 'attention',
      text: 'No token',
      detail: 'No token is plugged in, or its module is not set under Settings.',
    }
  return {
    id: 'tokens',
    icon: 'token',
    tone: 'passed',
    text: tokens.length === 1 ? `${first.label} (${first.serial})` : count(tokens.length, 'token'),
    detail: tokens.map((token) => `${token.label}, serial ${token.serial}`).join('; '),
  }
}

function logItem({ log }: StationStatus): LineItem {
  const base = { id: 'log', icon: 'audit' } as const
  switch (log.kind) {
    case 'whole':
      return {
        ...base,
        tone: 'passed',
        text: `Log whole, ${plainNumber(log.entries)} ${log.entries === 1 ? 'entry' : 'entries'}`,
        detail: 'Every entry of the audit log was checked at the start.',
      }
    case 'broken':
      return {
        ...base,
        tone: 'refused',
        text: `Log broken at entry ${plainNumber(log.firstBadSeq)}`,
        detail: log.reason,
      }
    case 'unwritable':
      return { ...base, tone: 'refused', text: 'Log cannot be written', detail: log.reason }
  }
}

/** What being on duty means for the others who wait for a signature. */
export function dutyView(status: StationStatus): DutyView {
  const held =
    status.inHand === 0
      ? ''
      : ` ${count(status.inHand, 'request')} in hand ${status.inHand === 1 ? 'stays' : 'stay'} here until you sign or decline.`
  return status.onDuty
    ? {
        onDuty: true,
        label: 'On duty',
        sentence: 'The server sends work to this station. What it holds, no other station can sign.',
        action: 'Go off duty',
        question: `The server stops sending work here, and other stations with the same keys get it.${held}`,
      }
    : {
        onDuty: false,
        label: 'Off duty',
        sentence: 'The server sends no work to this station. Others with the same keys get it.',
        action: 'Go on duty',
        question:
          'The server sends work to this station for which it has key and token. A request that is sent here is held here: no other station can sign it, and whoever asked for it waits, until you sign or decline.',
      }
}
