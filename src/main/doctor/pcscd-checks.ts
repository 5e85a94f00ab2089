import type { UsbDevice } from '../../shared/devices.ts'
import type { DoctorFinding, DoctorVerdict } from '../../shared/doctor.ts'
import { isThere, type Machine } from './machine.ts'
import { type PcscdState, pcscdSocket } from './pcscd.ts'
import type { Session } from './session.ts'
import { needsPcscd } from './usb-checks.ts'
import { cannotTell, finding, notApplicable, ok, printable, problem, writeAsRoot } from './verdict.ts'

/** polkit's actions of pcscd since Debian 13: yes for the session in front, no for every other. */
const policyFile = '/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy'
const ruleFile = '/etc/polkit-1/rules.d/40-signing-station-pcscd.rules'

/** `isWanted`: a chosen module reaches its tokens through pcscd. */
export function pcscdFinding(
  machine: Machine,
  state: PcscdState,
  devices: readonly UsbDevice[],
  isWanted: boolean,
): DoctorFinding {
  const cards = devices.filter(needsPcscd)
  if (cards.length === 0 && !isWanted)
    return finding('pcscd', null, notApplicable('Nothing on USB and no chosen module needs the smart-card service.'))
  return finding('pcscd', null, verdictOf(machine, state, cards.length))
}

function verdictOf(machine: Machine, state: PcscdState, cards: number): DoctorVerdict {
  const socket = printable(pcscdSocket(machine))
  switch (state.kind) {
    case 'not-installed':
      return problem(
        'The smart-card service pcscd is not installed. YubiKeys and smart cards are reached through it.',
        'Install it:',
        'sudo apt-get install pcscd',
      )
    case 'no-socket':
      return problem(
        `The smart-card service pcscd does not run: there is no socket ${socket}.`,
        'Start it, now and at each boot. In a container the socket has to be handed in from outside.',
        'sudo systemctl enable --now pcscd.socket',
      )
    case 'not-listening':
      return problem(
        `The socket ${socket} is there, and nobody listens: the smart-card service pcscd has died.`,
        'Start it anew:',
        'sudo systemctl restart pcscd.socket pcscd.service',
      )
    case 'forbidden':
      return problem(
        `You may not use the socket ${socket} of the smart-card service.`,
        'Its rights were changed: pcscd makes it open to everybody, and asks polkit whom to let in. Let it make the socket anew:',
        'sudo systemctl restart pcscd.socket',
      )
    case 'turned-away':
      return cannotTell('pcscd runs and ends the connection before it says a word; the next line says why.')
    case 'silent':
      return problem(
        'The smart-card service pcscd takes the connection and does not answer.',
        'It hangs, perhaps in a reader. Start it anew, and plug the token in again:',
        'sudo systemctl restart pcscd.service',
      )
    case 'answers':
      return answersVerdict(state, cards)
  }
}

function answersVerdict(state: Extract<PcscdState, { kind: 'answers' }>, cards: number): DoctorVerdict {
  const { readers } = state
  const held = readers.filter(({ isExclusive }) => isExclusive)
  if (held.length > 0)
    return problem(
      `Another program holds ${held.map(({ name }) => `“${printable(name)}”`).join(', ')} for itself alone, through pcscd.`,
      'Mostly that is gpg’s scdaemon. End it, and read the tokens again:',
      'gpgconf --kill scdaemon',
    )
  if (readers.length < cards)
    return problem(
      readers.length === 0
        ? 'pcscd runs and shows no reader, though one is on USB.'
        : `pcscd runs and shows ${readers.length} of the ${cards} readers that are on USB.`,
      'Another program took the device first (gpg’s scdaemon), or the reader’s driver is missing (package libccid). pcscd tries again only when it is started anew, or when the device is plugged in again:',
      'gpgconf --kill scdaemon; sudo systemctl restart pcscd.service',
    )
  if (readers.length === 0) return ok('pcscd runs. It has no reader, and none is on USB.')
  return ok(`pcscd runs, and shows ${readers.map(({ name }) => `“${printable(name)}”`).join(', ')}.`)
}

export async function polkitFinding(
  machine: Machine,
  state: PcscdState,
  session: Session | null,
  applies: boolean,
): Promise<DoctorFinding> {
  if (!applies) return finding('polkit', null, notApplicable('The smart-card service is not needed.'))
  if (state.kind === 'answers') return finding('polkit', null, ok('pcscd lets you in.'))
  if (state.kind !== 'turned-away') return finding('polkit', null, cannotTell('pcscd was not reached.'))
  const asksPolkit = await isThere(machine, policyFile)
  const why =
    session === null
      ? 'no login session is known for this program'
      : session.remote
        ? 'you are logged in over the network'
        : 'your session is not the one in front'
  const sentence = asksPolkit
    ? `pcscd turned you away. It asks polkit (org.debian.pcsc-lite.access_pcsc), which lets in only who sits at the machine; here ${why}.`
    : 'pcscd turned you away, and it has no polkit policy here that would say why.'
  // A name that is no ordinary account's never gets into a rule.
  const user = /^[a-z_][a-z0-9_-]{0,31}$/.test(machine.user) ? machine.user : 'OPERATOR'
  return finding(
    'polkit',
    null,
    problem(
      sentence,
      'Start the station in the session at the desk. Where it has to run otherwise, let this account in, and only it:',
      writeAsRoot(ruleFile, [
        'polkit.addRule(function (action, subject) {',
        '  if ((action.id == "org.debian.pcsc-lite.access_pcsc" || action.id == "org.debian.pcsc-lite.access_card") &&',
        `      subject.user == "${user}") return polkit.Result.YES;`,
        '});',
      ]),
    ),
  )
}
