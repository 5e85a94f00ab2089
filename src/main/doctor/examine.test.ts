import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { x64Library } from '../modules/testing/elf-file.ts'
import { configurationText } from '../token/yubihsm-configuration.ts'
import { connectorStatus, PreparedMachine, type Wanted } from './testing/prepared-machine.ts'
import { shows, use, ykcs11 } from './testing/shown-tokens.ts'

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
      const told = await machine.ask('pcscd', { environment: { PCSCLITE_CSOCK_NAME: '/var/lib/pcscd.comm' } })
      expect(told).toMatchObject({ kind: 'problem' })
      machine.put('/usr/sbin/pcscd', '', 0o755)
      expect(await machine.ask('pcscd', { environment: { PCSCLITE_CSOCK_NAME: '/var/lib/pcscd.comm' } })).toMatchObject(
        {
          sentence: expect.stringContaining('/var/lib/pcscd.comm'),
        },
      )
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
      const usualConnector = `http://127.0.0.1:${port}`
      const both = { kind: 'problem', subject: usualConnector, sentence: expect.stringContaining('Only one can') }
      const told = async (wanted: Wanted) =>
        (await machine.examine(wanted)).filter(({ check }) => check === 'connector').at(-1)
      const chosen = machine.connectorAt('yhusb://serial=7550140', usualConnector)
      expect(await told({ environment: chosen })).toMatchObject(both)
      // Also where nobody chose it: it runs, and holds the device.
      const direct = machine.connectorAt('yhusb://')
      expect(await told({ environment: direct, usualConnector })).toMatchObject(both)
      expect(await told({ environment: direct })).toMatchObject({ kind: 'not-applicable', subject: 'yhusb://' })
    })

    test('tells of each of several, as the station writes them', async () => {
      const { YUBIHSM_PKCS11_CONF } = await machine.connector(connectorStatus('OK'))
      const text = readFileSync(join(machine.root, YUBIHSM_PKCS11_CONF ?? ''), 'utf8')
      const [url = ''] = /http:\S+/.exec(text) ?? []
      machine.put(
        '/run/station/c.conf',
        configurationText({ connectors: [url, 'http://127.0.0.1:1'], caPem: null }, ''),
      )
      const found = await machine.examine({ environment: { YUBIHSM_PKCS11_CONF: '/run/station/c.conf' } })
      expect(found.filter(({ check }) => check === 'connector')).toMatchObject([
        { subject: url, kind: 'ok' },
        { subject: 'http://127.0.0.1:1', kind: 'problem' },
      ])
    })
  })
})
