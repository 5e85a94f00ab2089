import type { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { armLibrary, x64Library } from '../modules/testing/elf-file.ts'
import { tokenFailure } from '../token/failures.ts'
import type { ShownTokens } from './module-checks.ts'
import { connectorStatus, PreparedMachine, type Wanted } from './testing/prepared-machine.ts'

const ykcs11 = '/usr/lib/x86_64-linux-gnu/libykcs11.so.2'
const yubihsmModule = '/usr/lib/x86_64-linux-gnu/pkcs11/yubihsm_pkcs11.so'
const use = (path: string) => [{ path, enabled: true }]

/** What the token processes answer: modules that load, with so many tokens each. */
function shows(...modules: readonly (readonly [path: string, tokens: number])[]): () => Promise<ShownTokens> {
  const token = (module: string, serial: number) => ({
    token: {
      id: { manufacturer: 'Yubico', model: 'YubiKey YK5', serial: String(serial) },
      label: 'YubiKey PIV',
      module,
      firmware: '5.4',
      hardware: '1.0',
      pinState: 'ok' as const,
      pinRequired: true,
      minPinLength: 6,
      maxPinLength: 8,
    },
    objects: [],
    problem: null,
  })
  const answer: ShownTokens = {
    tokens: modules.flatMap(([path, tokens]) => Array.from({ length: tokens }, (_, n) => token(path, n))),
    modules: modules.map(([path]) => ({ path, problem: null })),
  }
  return async () => answer
}

describe('the doctor', () => {
  let machine: PreparedMachine
  beforeEach(() => {
    machine = new PreparedMachine()
  })
  afterEach(() => machine.end())

  const problems = async (wanted: Wanted = {}) =>
    (await machine.examine(wanted)).filter(({ kind }) => kind === 'problem').map(({ check }) => check)

  test('finds nothing wrong where a YubiKey is shown', async () => {
    machine.yubikey()
    machine.put(ykcs11, x64Library)
    await machine.pcscdWith([{ name: 'Yubico YubiKey OTP+FIDO+CCID 00 00' }])
    const found = await machine.examine({ chosen: use(ykcs11), tokens: shows([ykcs11, 1]) })
    expect(found.map(({ check, kind }) => `${check}: ${kind}`)).toEqual([
      'usb: ok',
      'device: ok',
      'hot-plug: ok',
      'session: cannot-tell',
      'permission: not-applicable',
      'interfaces: ok',
      'pcscd: ok',
      'polkit: ok',
      'scdaemon: ok',
      'connector: not-applicable',
      'module-installed: ok',
      'module-chosen: ok',
      'module-file: ok',
      'module-loads: ok',
      'module-shows-token: ok',
    ])
  })

  describe('about USB', () => {
    test('does not call it wrong that a system shows none, and does not call it in order', async () => {
      expect(await problems()).toEqual([])
      expect(await machine.ask('usb')).toMatchObject({ kind: 'cannot-tell' })
    })

    test('says that nothing is plugged in, unless a module shows a token that is elsewhere', async () => {
      machine.emptyBus()
      expect(await machine.ask('device')).toMatchObject({ kind: 'problem', command: 'sudo dmesg | tail -20' })
      expect(await problems({ tokens: shows(['/soft.so', 1]) })).toEqual([])
    })

    test('tells one who is logged in from elsewhere that his own token is not here', async () => {
      machine.emptyBus()
      const told = await machine.ask('device', { environment: { SSH_CONNECTION: '192.0.2.7 50000 192.0.2.8 22' } })
      expect(told).toMatchObject({ kind: 'problem', command: null })
      expect(told?.kind === 'problem' && told.advice).toContain('over the network')
    })

    test('says that nobody tells of plugging in where udev does not run', async () => {
      machine.yubikey()
      await machine.end()
      machine = new PreparedMachine()
      machine.put('/sys/bus/usb/devices/.keep')
      expect(await machine.ask('hot-plug')).toMatchObject({ kind: 'problem' })
    })

    test('says that a YubiKey has its smart-card interface switched off', async () => {
      machine.yubikey(['030101', '030000'])
      expect(await machine.ask('interfaces')).toMatchObject({
        kind: 'problem',
        sentence: expect.stringContaining('on are: OTP, FIDO'),
        command: 'ykman config usb --enable PIV',
      })
      // It cannot be shown by any module, and nothing else is blamed for that.
      expect(await problems()).toEqual(['interfaces'])
    })
  })

  describe('about the session', () => {
    const session = (fields: string) => {
      machine.put('/proc/self/cgroup', '0::/user.slice/user-1000.slice/session-c2.scope\n')
      machine.put('/run/systemd/sessions/c2', `# private\nUID=1000\n${fields}`)
    }
    test.each<[string, string, string]>([
      ['at the seat', 'ACTIVE=1\nSTATE=active\nREMOTE=0\nSEAT=seat0\n', 'the one in front, at seat0'],
      ['over the network', 'ACTIVE=1\nSTATE=active\nREMOTE=1\n', 'over the network'],
      ['behind another', 'ACTIVE=0\nSTATE=online\nREMOTE=0\nSEAT=seat0\n', 'not the one in front'],
      ['without a seat', 'ACTIVE=1\nSTATE=active\nREMOTE=0\n', 'no seat'],
    ])('knows one %s', async (_, fields, words) => {
      session(fields)
      expect(await machine.ask('session')).toMatchObject({ kind: 'ok', sentence: expect.stringContaining(words) })
    })

    test('of a program that the desktop started is the display’s', async () => {
      machine.put('/proc/self/cgroup', '0::/user.slice/user-1000.slice/user@1000.service/app.slice/station.scope\n')
      machine.put(`/run/systemd/users/${process.getuid?.() ?? 0}`, 'NAME=operator\nDISPLAY=c2\n')
      machine.put('/run/systemd/sessions/c2', 'ACTIVE=1\nREMOTE=0\nSEAT=seat0\n')
      expect(await machine.ask('session')).toMatchObject({ sentence: expect.stringContaining('seat0') })
    })
  })

  describe('about pcscd', () => {
    beforeEach(() => machine.yubikey())

    test('says that it is not installed, or does not run', async () => {
      expect(await machine.ask('pcscd')).toMatchObject({ kind: 'problem', command: 'sudo apt-get install pcscd' })
      machine.put('/usr/sbin/pcscd', '', 0o755)
      expect(await machine.ask('pcscd')).toMatchObject({
        kind: 'problem',
        command: 'sudo systemctl enable --now pcscd.socket',
      })
    })

    test('says that it died and left its socket', async () => {
      await machine.deadPcscd()
      expect(await machine.ask('pcscd')).toMatchObject({ kind: 'problem', sentence: expect.stringContaining('died') })
    })

    test('says that it hangs', async () => {
      await machine.pcscd(() => {})
      expect(await machine.ask('pcscd')).toMatchObject({
        kind: 'problem',
        command: 'sudo systemctl restart pcscd.service',
      })
    })

    test('says that it has no reader though one is on USB', async () => {
      await machine.pcscdWith([])
      expect(await machine.ask('pcscd')).toMatchObject({
        kind: 'problem',
        sentence: 'pcscd runs and shows no reader, though one is on USB.',
      })
    })

    test('says that another program holds a reader for itself', async () => {
      await machine.pcscdWith([{ name: 'Yubico YubiKey 00 00', sharing: -1 }])
      expect(await machine.ask('pcscd')).toMatchObject({ kind: 'problem', command: 'gpgconf --kill scdaemon' })
    })

    test('is looked for where the environment says', async () => {
      const told = await machine.ask('pcscd', { environment: { PCSCLITE_CSOCK_NAME: '/srv/pcscd.comm' } })
      expect(told).toMatchObject({ kind: 'problem' })
      machine.put('/usr/sbin/pcscd', '', 0o755)
      expect(await machine.ask('pcscd', { environment: { PCSCLITE_CSOCK_NAME: '/srv/pcscd.comm' } })).toMatchObject({
        sentence: expect.stringContaining('/srv/pcscd.comm'),
      })
    })

    test('tells whom polkit turns away, and lets in that account alone', async () => {
      await machine.pcscd((socket) => void socket.once('data', () => socket.destroy()))
      machine.put('/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy', '<policyconfig/>')
      expect(await problems()).toEqual(['polkit', 'module-installed'])
      const told = await machine.ask('polkit', { environment: { SSH_CONNECTION: 'x' } })
      expect(told).toMatchObject({
        kind: 'problem',
        sentence: expect.stringContaining('org.debian.pcsc-lite.access_pcsc'),
        command: expect.stringContaining('subject.user == "operator"'),
      })
      expect(told?.sentence).toContain('you are logged in over the network')
    })

    test('puts no strange account name into a rule', async () => {
      await machine.pcscd((socket) => void socket.destroy())
      const told = await machine.ask('polkit', { user: 'x" || true || "' })
      expect(told?.kind === 'problem' && told.command).toContain('subject.user == "OPERATOR"')
    })
  })

  describe('about scdaemon', () => {
    beforeEach(() => machine.yubikey())

    test('says that it holds the device', async () => {
      machine.put('/proc/812/comm', 'scdaemon\n')
      machine.link('/proc/812/fd/7', '/dev/bus/usb/001/004')
      machine.put('/proc/813/comm', 'gpg-agent\n')
      expect(await machine.ask('scdaemon')).toMatchObject({
        kind: 'problem',
        subject: 'YubiKey OTP+FIDO+CCID',
        command: expect.stringContaining('disable-ccid'),
      })
    })

    test('knows one that holds nothing, and does not know about one whose files it may not see', async () => {
      machine.put('/proc/812/comm', 'scdaemon\n')
      expect(await machine.ask('scdaemon')).toMatchObject({ kind: 'cannot-tell' })
      machine.link('/proc/812/fd/7', '/dev/bus/usb/001/003')
      expect(await machine.ask('scdaemon')).toMatchObject({ kind: 'ok' })
    })
  })

  describe('about the connector', () => {
    beforeEach(() => machine.yubihsm())

    test('is content when it answers and has a device', async () => {
      const environment = await machine.connector(connectorStatus('OK'))
      expect(await machine.ask('connector', { environment })).toMatchObject({ kind: 'ok' })
    })

    test.each<[string, (socket: Socket) => void, string]>([
      ['has no device', connectorStatus('NO_DEVICE'), 'answers that it has no device, though'],
      ['is another web server', (socket) => void socket.end('HTTP/1.1 404 Not Found\r\n\r\nno'), 'Something else'],
      ['is a mail server', (socket) => void socket.write('220 mail.example.org ESMTP\r\n'), 'Something else'],
      [
        'says it is a connector and nothing more',
        (socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nok'),
        'Something else',
      ],
      ['hangs up', (socket) => void socket.destroy(), 'Something else'],
      ['is silent', () => {}, 'does not answer'],
    ])('says that what listens there %s', async (_, behave, words) => {
      const environment = await machine.connector(behave)
      const told = await machine.ask('connector', { environment })
      expect(told).toMatchObject({ kind: 'problem', sentence: expect.stringContaining(words) })
    })

    test('stops reading what never ends', async () => {
      const environment = await machine.connector((socket) => {
        const more = () => {
          while (socket.writable && socket.write('x'.repeat(65_536)));
        }
        socket.on('drain', more)
        more()
      })
      expect(await machine.ask('connector', { environment })).toMatchObject({ kind: 'problem' })
    })

    test('says that it does not run', async () => {
      const environment = machine.connectorAt('http://127.0.0.1:1')
      expect(await machine.ask('connector', { environment })).toMatchObject({
        kind: 'problem',
        sentence: expect.stringContaining('Nobody listens at port 1'),
        command: expect.stringContaining('enable --now yubihsm-connector'),
      })
    })

    test('asks no other machine, and none where the device is used directly', async () => {
      expect(
        await machine.ask('connector', { environment: machine.connectorAt('http://hsm.example.org:12345') }),
      ).toMatchObject({ kind: 'cannot-tell' })
      expect(await machine.ask('connector', { environment: machine.connectorAt('yhusb://') })).toMatchObject({
        kind: 'not-applicable',
      })
    })

    test('says that it and the module want the one device', async () => {
      const { YUBIHSM_PKCS11_CONF } = await machine.connector(connectorStatus('OK'))
      const [, port] =
        /:(\d+)/.exec(
          String(
            (await machine.ask('connector', { environment: { YUBIHSM_PKCS11_CONF: YUBIHSM_PKCS11_CONF ?? '' } }))
              ?.subject,
          ),
        ) ?? []
      const environment = machine.connectorAt('yhusb://serial=7550140', `http://127.0.0.1:${port}`)
      expect(await machine.ask('connector', { environment })).toMatchObject({
        kind: 'problem',
        sentence: expect.stringContaining('Only one can'),
      })
    })
  })

  describe('about modules', () => {
    test('says which package has the module that is missing', async () => {
      machine.yubihsm()
      machine.yubikey()
      const found = await machine.examine()
      const commands = found.flatMap((told) =>
        told.check === 'module-installed' && told.kind === 'problem' ? [told.command] : [],
      )
      expect(commands).toEqual(['sudo apt-get install ykcs11', 'sudo apt-get install yubihsm-pkcs11'])
    })

    test('says that it is installed and not chosen, and loads nothing for that', async () => {
      machine.yubikey()
      machine.put(ykcs11, x64Library)
      expect(await machine.ask('module-chosen', { chosen: [] })).toMatchObject({
        kind: 'problem',
        advice: expect.stringContaining(ykcs11),
      })
      expect(await machine.ask('module-chosen', { chosen: null })).toMatchObject({ kind: 'not-applicable' })
    })

    test('says a wrong architecture in words, with the right package', async () => {
      machine.put(ykcs11, armLibrary)
      expect(await machine.ask('module-file', { chosen: use(ykcs11) })).toMatchObject({
        kind: 'problem',
        sentence: 'The library is made for 32-bit ARM; this program runs on 64-bit x86-64, and cannot load it.',
        command: 'sudo apt-get install ykcs11:amd64',
      })
    })

    test('says that the file is not there, or is none, and quotes a strange path', async () => {
      expect(await machine.ask('module-file', { chosen: use('/opt/x.so') })).toMatchObject({ kind: 'problem' })
      const path = "/opt/it’s $(reboot) `x` 'y'.so"
      machine.put(path, 'text')
      expect(await machine.ask('module-file', { chosen: use(path) })).toMatchObject({
        command: `file -L '/opt/it’s $(reboot) \`x\` '\\''y'\\''.so'`,
      })
    })

    test.each<[string, string, string]>([
      ['cannot be loaded', 'libnss3.so: cannot open shared object file', 'cannot be loaded'],
      ['does not start', 'CKR_GENERAL_ERROR (0x5) at C_Initialize', 'does not start (CKR_GENERAL_ERROR)'],
    ])('says that one %s', async (_, detail, words) => {
      machine.put(ykcs11, x64Library)
      const problem = tokenFailure('module-not-loadable', detail)
      const tokens = async (): Promise<ShownTokens> => ({ tokens: [], modules: [{ path: ykcs11, problem }] })
      expect(await machine.ask('module-loads', { chosen: use(ykcs11), tokens })).toMatchObject({
        kind: 'problem',
        sentence: expect.stringContaining(words),
      })
    })

    test('says that one loads and shows nothing, though the device is on USB', async () => {
      machine.yubihsm()
      machine.put(yubihsmModule, x64Library)
      const environment = await machine.connector(connectorStatus('OK'))
      const wanted = { environment, chosen: use(yubihsmModule), tokens: shows([yubihsmModule, 0]) }
      expect(await problems(wanted)).toEqual(['module-shows-token'])
      expect(await problems({ ...wanted, tokens: shows([yubihsmModule, 1]) })).toEqual([])
    })

    test('says that one of two is shown', async () => {
      machine.yubikey()
      machine.plug({ port: '1-6', address: 7, ids: ['1050', '0407'], interfaces: ['0b0000'] })
      machine.put(ykcs11, x64Library)
      expect(
        await machine.ask('module-shows-token', { chosen: use(ykcs11), tokens: shows([ykcs11, 1]) }),
      ).toMatchObject({
        kind: 'problem',
        sentence: '2 are on USB, and 1 of their tokens are shown.',
      })
    })

    test('does not wait for one that hangs, and does not call it in order', async () => {
      machine.yubikey()
      machine.put(ykcs11, x64Library)
      const wanted: Wanted = {
        chosen: use(ykcs11),
        tokens: () => new Promise(() => {}),
        limits: { check: 5_000, modules: 20 },
      }
      expect(await machine.ask('module-loads', wanted)).toMatchObject({ kind: 'cannot-tell' })
      expect(await machine.ask('module-shows-token', wanted)).toMatchObject({ kind: 'cannot-tell' })
    })
  })
})
