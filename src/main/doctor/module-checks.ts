import type { UsbDevice, UsbDeviceKind } from '../../shared/devices.ts'
import type { DoctorFinding, DoctorVerdict } from '../../shared/doctor.ts'
import type { FoundModule, ModuleDiscovery, ModuleKind } from '../../shared/modules.ts'
import type { Settings } from '../../shared/settings.ts'
import type { TokenService } from '../token/token-service.ts'
import { deviceName, needsPcscd } from './usb-checks.ts'
import { cannotTell, finding, notApplicable, ok, printable, problem, shellWord } from './verdict.ts'

export type ShownTokens = Awaited<ReturnType<TokenService['list']>>

/** The modules that can show a device, the best first. */
const modulesFor: Readonly<Record<UsbDeviceKind, readonly ModuleKind[]>> = {
  yubikey: ['ykcs11', 'opensc'],
  yubihsm: ['yubihsm'],
  reader: ['opensc', 'ykcs11'],
}

const packages: Readonly<Record<ModuleKind, string | null>> = {
  ykcs11: 'ykcs11',
  opensc: 'opensc-pkcs11',
  softhsm: 'libsofthsm2',
  yubihsm: 'yubihsm-pkcs11',
  other: null,
}

/** Node's `process.arch` as Debian calls it. */
const debianNames: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'armhf', ia32: 'i386', ppc64: 'ppc64el' }

const kindWords: Readonly<Record<UsbDeviceKind, string>> = {
  yubikey: 'a YubiKey',
  yubihsm: 'a YubiHSM',
  reader: 'a smart-card reader',
}

/** Devices that a module can show at all: a YubiKey without its smart-card interface is told of elsewhere. */
function reachable(devices: readonly UsbDevice[]): readonly UsbDevice[] {
  return devices.filter((device) => device.kind === 'yubihsm' || needsPcscd(device))
}

/** Whether a module for each kind of device that is on USB is there, and chosen. `chosen` null: there is no station to choose in. */
export function moduleChoiceFindings(
  devices: readonly UsbDevice[],
  { modules }: ModuleDiscovery,
  chosen: Settings['modules'] | null,
  architecture: string,
): readonly DoctorFinding[] {
  const kinds = [...new Set(reachable(devices).map(({ kind }) => kind))]
  if (kinds.length === 0) return [finding('module-installed', null, notApplicable('Nothing on USB needs a module.'))]
  return kinds.flatMap((device) => {
    const fitting = modulesFor[device]
    const there = modules.filter(({ kind, state }) => fitting.includes(kind) && state.kind === 'fits')
    const [best] = fitting
    const name = best === undefined ? null : packages[best]
    const wrong = modules.find(({ kind, state }) => fitting.includes(kind) && state.kind === 'wrong-architecture')
    if (there.length === 0 && wrong?.state.kind === 'wrong-architecture')
      return [
        finding(
          'module-installed',
          kindWords[device],
          problem(
            `The PKCS#11 module for ${kindWords[device]} that is installed, ${printable(wrong.path)}, is made for ${wrong.state.library}; this program runs on ${wrong.state.machine}.`,
            'Install the module for this machine, then choose it in Settings, under Token modules:',
            installCommand(wrong.kind, architecture),
          ),
        ),
      ]
    if (there.length === 0)
      return [
        finding(
          'module-installed',
          kindWords[device],
          problem(
            `No PKCS#11 module for ${kindWords[device]} is installed.`,
            'Install it, then choose it in Settings, under Token modules:',
            name === null ? null : `sudo apt-get install ${name}`,
          ),
        ),
      ]
    const installed = finding(
      'module-installed',
      kindWords[device],
      ok(`Installed: ${there.map(({ path }) => printable(path)).join(', ')}.`),
    )
    return [installed, finding('module-chosen', kindWords[device], choiceOf(device, there, chosen))]
  })
}

function choiceOf(
  device: UsbDeviceKind,
  there: readonly FoundModule[],
  chosen: Settings['modules'] | null,
): DoctorVerdict {
  const used = there.find((module) => module.chosen)
  if (used !== undefined) return ok(`In use: ${printable(used.path)}.`)
  if (chosen === null) return notApplicable('No station was looked at, so it is not known which modules are chosen.')
  const [first] = there
  return problem(
    `A module for ${kindWords[device]} is installed and none is in use.`,
    `Choose ${first === undefined ? 'it' : printable(first.path)} in Settings, under Token modules. The station loads no module that you did not choose.`,
  )
}

/** The file of each chosen module, then what loading it gave. `shown` null: nothing was loaded, or no answer came in time. */
export function moduleFindings(
  machine: { readonly architecture: string },
  discovery: ModuleDiscovery,
  shown: ShownTokens | null,
): readonly DoctorFinding[] {
  const chosen = discovery.modules.filter((module) => module.chosen)
  if (chosen.length === 0) return [finding('module-file', null, notApplicable('No module is chosen.'))]
  return chosen.flatMap((module) => {
    const file = fileVerdict(machine.architecture, module)
    const about = finding('module-file', module.path, file)
    return file.kind === 'problem'
      ? [about]
      : [about, finding('module-loads', module.path, loadVerdict(module, discovery, shown))]
  })
}

function fileVerdict(architecture: string, { path, kind, state }: FoundModule): DoctorVerdict {
  const name = packages[kind]
  const shell = shellWord(printable(path, 4096))
  switch (state.kind) {
    case 'fits':
      return ok('Is a library for this machine.')
    case 'missing':
      return problem(
        'There is no such file.',
        name === null
          ? 'Check the path in Settings, under Token modules.'
          : 'Install the module, or check the path in Settings.',
        name === null ? null : `sudo apt-get install ${name}`,
      )
    case 'unreadable':
      return problem(
        'The file cannot be read from your account.',
        'Look at its rights, and at those of its folders:',
        `namei -l ${shell}`,
      )
    case 'not-a-library':
      return problem(
        'The file is no shared library.',
        'Check the path in Settings, under Token modules. What it is:',
        `file -L ${shell}`,
      )
    case 'wrong-architecture':
      return problem(
        `The library is made for ${state.library}; this program runs on ${state.machine}, and cannot load it.`,
        'Install the module for this machine:',
        installCommand(kind, architecture),
      )
  }
}

function loadVerdict(module: FoundModule, { modules }: ModuleDiscovery, shown: ShownTokens | null): DoctorVerdict {
  if (shown === null) return cannotTell('It was not loaded, or did not answer in time.')
  const same = modules.filter(({ file }) => file === module.file).map(({ path }) => path)
  const answer = shown.modules.find(({ path }) => path === module.path || path === module.file || same.includes(path))
  if (answer === undefined) return cannotTell('It was not loaded.')
  if (answer.problem === null) {
    const count = shown.tokens.filter(({ token }) => token.module === answer.path).length
    return ok(`Loads, and shows ${count === 0 ? 'no token' : count === 1 ? 'one token' : `${count} tokens`}.`)
  }
  const { code, message, detail = '' } = answer.problem
  // The detail is made of constants: a CKR name and a function.
  const [, name] = /^(CKR_[A-Z_]+) .*C_Initialize/.exec(detail) ?? []
  if (name !== undefined)
    return problem(
      `It loads and does not start (${name}): its configuration is missing, or cannot be read from your account.`,
      configurationAdvice[module.kind],
    )
  if (code !== 'module-not-loadable')
    return problem(message, 'If nothing above says why, plug the token in again and read the tokens anew.')
  return problem(
    'It cannot be loaded, though it is made for this machine: a library that it needs is missing, or it is no PKCS#11 module.',
    'Which libraries it does not find:',
    `ldd ${shellWord(printable(module.path, 4096))}`,
  )
}

const configurationAdvice: Readonly<Record<ModuleKind, string>> = {
  ykcs11: 'It reads no file of its own; check pcscd, above.',
  opensc: 'It reads /etc/opensc/opensc.conf.',
  softhsm:
    'It reads the file that SOFTHSM2_CONF names, or /etc/softhsm/softhsm2.conf, and the folder of tokens named there.',
  yubihsm:
    'It reads the file that the station writes from Settings, under YubiHSM; or, while no connector is chosen there, the one that YUBIHSM_PKCS11_CONF names where the station is started.',
  other: 'Its maker’s manual says which file it reads.',
}

function installCommand(kind: ModuleKind, architecture: string): string | null {
  const name = packages[kind]
  return name === null ? null : `sudo apt-get install ${name}:${debianNames[architecture] ?? architecture}`
}

/**
 * Readers without a card: many laptops have one built in that is never used. A problem only where there is nothing else that could
 * be the token.
 */
export function emptyReaderFindings(readers: readonly UsbDevice[], isAll: boolean): readonly DoctorFinding[] {
  return readers.map((reader) =>
    finding(
      'module-shows-token',
      deviceName(reader),
      isAll
        ? problem('There is no card in the reader.', 'Put the card in, the right way round, and read the tokens again.')
        : notApplicable('There is no card in the reader.'),
    ),
  )
}

/** Whether each device on USB is shown by a module that loads. */
export function shownFindings(
  devices: readonly UsbDevice[],
  { modules }: ModuleDiscovery,
  shown: ShownTokens | null,
): readonly DoctorFinding[] {
  const kinds = [...new Set(reachable(devices).map(({ kind }) => kind))]
  if (kinds.length === 0)
    return [finding('module-shows-token', null, notApplicable('Nothing on USB has to be shown by a module.'))]
  return kinds.map((kind) => {
    const own = reachable(devices).filter((device) => device.kind === kind)
    const subject = own.map(deviceName).join(', ')
    const fitting = modules.filter((module) => module.chosen && modulesFor[kind].includes(module.kind))
    if (shown === null || fitting.length === 0)
      return finding('module-shows-token', subject, cannotTell('No module that could show it was loaded.'))
    const loaded = fitting.filter(({ path, file }) =>
      shown.modules.some((answer) => (answer.path === path || answer.path === file) && answer.problem === null),
    )
    if (loaded.length === 0)
      return finding('module-shows-token', subject, cannotTell('No module that could show it loads; see above.'))
    const paths = loaded.flatMap(({ path, file }) => [path, file])
    const count = shown.tokens.filter(({ token }) => paths.includes(token.module)).length
    return finding('module-shows-token', subject, shownVerdict(kind, own.length, count))
  })
}

function shownVerdict(kind: UsbDeviceKind, devices: number, tokens: number): DoctorVerdict {
  if (tokens >= devices) return ok(tokens === 1 ? 'Its token is shown.' : `${tokens} tokens are shown.`)
  const missing =
    tokens === 0
      ? 'The module loads and shows no token, though the device is on USB.'
      : `${devices} are on USB, and ${tokens} of their tokens are shown.`
  const advice: Readonly<Record<UsbDeviceKind, string>> = {
    yubikey:
      'If nothing above says why: unplug it, plug it in again, and read the tokens anew. This asks the YubiKey’s PIV application without any module:',
    yubihsm: 'If nothing above says why: this asks the YubiHSM without any module:',
    reader: 'Is a card in the reader, the right way round? This lists cards without any module of ours:',
  }
  const command: Readonly<Record<UsbDeviceKind, string>> = {
    yubikey: 'yubico-piv-tool -a status',
    yubihsm: 'yubihsm-shell -a get-device-info',
    reader: 'opensc-tool -l',
  }
  return problem(missing, advice[kind], command[kind])
}
