import type { Settings } from '../../../shared/settings.ts'
import type { StationStatus } from '../../../shared/status.ts'
import { connectorProblem } from '../../../shared/yubihsm-connector.ts'

/** The settings as typed: texts, not yet checked. */
export type Draft = {
  readonly stationName: string
  readonly operatorName: string
  readonly theme: Settings['theme']
  readonly apiUrl: string
  readonly caPem: string
  readonly scope: string
  readonly modules: Settings['modules']
  /** One fingerprint a line. */
  readonly trustedCerts: string
  readonly checkpointFolders: readonly string[]
  /** One verifier key a line. */
  readonly witnesses: string
  /** Whether requests for keys are taken. */
  readonly keyRequests: boolean
  readonly softwareKeys: boolean
  readonly anyToken: boolean
  /** One serial number a line. */
  readonly tokenSerials: string
  readonly connectors: readonly string[]
  readonly connectorCa: string
}

export type Problems = Partial<
  Record<
    | 'stationName'
    | 'operatorName'
    | 'apiUrl'
    | 'caPem'
    | 'modules'
    | 'trustedCerts'
    | 'checkpointFolders'
    | 'witnesses'
    | 'tokenSerials'
    | 'connectors'
    | 'connectorCa',
    string
  >
>

export function draftOf(settings: Settings): Draft {
  return {
    stationName: settings.stationName,
    operatorName: settings.operatorName,
    theme: settings.theme,
    apiUrl: settings.server.apiUrl ?? '',
    caPem: settings.server.caPem ?? '',
    scope: settings.server.scope ?? '',
    modules: settings.modules,
    trustedCerts: settings.trustedCerts.join('\n'),
    checkpointFolders: settings.checkpointFolders,
    witnesses: settings.witnesses.join('\n'),
    keyRequests: settings.keyRequests.accept,
    softwareKeys: settings.keyRequests.software,
    anyToken: settings.keyRequests.tokens === 'any',
    tokenSerials: settings.keyRequests.tokens === 'any' ? '' : settings.keyRequests.tokens.join('\n'),
    connectors: settings.yubihsm.connectors,
    connectorCa: settings.yubihsm.caPem ?? '',
  }
}

/** Lines without blanks at their ends, empty ones dropped. Colons and blanks inside a fingerprint are how other tools print it. */
function fingerprints(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.replaceAll(/[\s:]/g, '').toLowerCase())
    .filter((line) => line !== '')
}

export function settingsOf(draft: Draft): Settings {
  const orNull = (value: string) => (value.trim() === '' ? null : value.trim())
  return {
    stationName: draft.stationName.trim(),
    operatorName: draft.operatorName.trim(),
    theme: draft.theme,
    server: { apiUrl: orNull(draft.apiUrl), caPem: orNull(draft.caPem), scope: orNull(draft.scope) },
    modules: draft.modules
      .map((module) => ({ ...module, path: module.path.trim() }))
      .filter((module) => module.path !== ''),
    trustedCerts: [...fingerprints(draft.trustedCerts)],
    checkpointFolders: draft.checkpointFolders.map((folder) => folder.trim()).filter((folder) => folder !== ''),
    keyRequests: {
      accept: draft.keyRequests,
      software: draft.softwareKeys,
      tokens: draft.anyToken ? 'any' : [...lines(draft.tokenSerials)],
    },
    witnesses: [...lines(draft.witnesses)],
    yubihsm: {
      connectors: draft.connectors.map((connector) => connector.trim()).filter((connector) => connector !== ''),
      caPem: orNull(draft.connectorCa),
    },
  }
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** What is plainly wrong, said before anything is sent. Main checks everything again. */
export function problemsOf(draft: Draft): Problems {
  const problems: Problems = {}
  if (draft.stationName.trim() === '') problems.stationName = 'The station needs a name.'
  if (draft.operatorName.trim() === '') problems.operatorName = 'The log needs the name of the one who decides.'
  const url = urlProblem(draft.apiUrl.trim())
  if (url !== null) problems.apiUrl = url
  const ca = caProblem(draft.caPem)
  if (ca !== null) problems.caPem = ca
  const connector = connectorsProblem(draft.connectors)
  if (connector !== null) problems.connectors = connector
  const connectorCa = caProblem(draft.connectorCa)
  if (connectorCa !== null) problems.connectorCa = connectorCa
  const relative = draft.modules.find((module) => module.path.trim() !== '' && !module.path.trim().startsWith('/'))
  if (relative !== undefined) problems.modules = `“${relative.path}” is no absolute path.`
  const wrong = fingerprints(draft.trustedCerts).find((line) => !/^[0-9a-f]{64}$/.test(line))
  if (wrong !== undefined)
    problems.trustedCerts = `“${wrong.slice(0, 20)}${wrong.length > 20 ? '…' : ''}” is no SHA-256 fingerprint (64 hex digits).`
  const serials = lines(draft.tokenSerials)
  if (serials.length > 50) problems.tokenSerials = 'At most fifty tokens.'
  else if (serials.some((serial) => serial.length > 32))
    problems.tokenSerials = 'A serial number has at most 32 characters.'
  return { ...problems, ...logProblems(draft) }
}

function logProblems(draft: Draft): Pick<Problems, 'checkpointFolders' | 'witnesses'> {
  const { checkpointFolders, witnesses } = settingsOf(draft)
  const relative = checkpointFolders.find((folder) => !folder.startsWith('/'))
  // signed-note: a name without blank and plus, the id, the key with its type.
  const wrong = witnesses.find((vkey) => !/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/.test(vkey))
  return {
    ...(relative === undefined ? {} : { checkpointFolders: `“${relative}” is no absolute path.` }),
    ...(witnesses.length > 10
      ? { witnesses: 'At most ten witnesses.' }
      : wrong === undefined
        ? {}
        : { witnesses: `“${wrong.slice(0, 30)}${wrong.length > 30 ? '…' : ''}” is no verifier key (name+id+key).` }),
  }
}

function caProblem(pem: string): string | null {
  if (/PRIVATE KEY/.test(pem)) return 'This holds a private key. Only certificates belong here.'
  if (pem.trim() !== '' && !pem.includes('-----BEGIN CERTIFICATE-----')) return 'This is no PEM certificate.'
  return null
}

function connectorsProblem(connectors: readonly string[]): string | null {
  const typed = connectors.map((each) => each.trim()).filter((each) => each !== '')
  const wrong = typed.find((each) => connectorProblem(each) !== null)
  if (wrong !== undefined) return `“${wrong.slice(0, 60)}”: ${connectorProblem(wrong)}`
  const twice = typed.find((each, index) => typed.indexOf(each) < index)
  return twice === undefined ? null : `“${twice}” is named twice; its tokens would be shown twice, and refused.`
}

function urlProblem(text: string): string | null {
  if (text === '') return null
  if (!URL.canParse(text)) return 'This is no address.'
  const url = new URL(text)
  if (url.protocol !== 'https:') return 'The address has to begin with https://.'
  if (url.username !== '' || url.password !== '') return 'No name or password belongs in the address.'
  if (url.search !== '' || url.hash !== '') return 'The address ends with its path: no “?” and no “#”.'
  return null
}

export type EnrolView = { readonly state: 'no-server' | 'to-enrol' | 'waiting' | 'enrolled'; readonly sentence: string }

export function enrolView({ server }: StationStatus): EnrolView {
  switch (server.kind) {
    case 'not-configured':
      return { state: 'no-server', sentence: 'Save the address of the server first.' }
    case 'not-enrolled':
      return {
        state: 'to-enrol',
        sentence:
          'The server does not know this station yet. Enrolling registers it as a signing worker and stores its own token here.',
      }
    case 'waiting-for-enable':
      return {
        state: 'waiting',
        sentence: `Registered as ${server.workerFqdn}. An administrator of the server has to enable this worker; until then it gets no work.`,
      }
    case 'connecting':
    case 'connected':
    case 'off-duty':
      return { state: 'enrolled', sentence: 'This station is registered at the server.' }
  }
}
