import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fingerprint } from '../../../src/shared/ids.ts'
import { UsbYubiHsm } from '../../devices/usbip/usb-yubihsm.ts'
import { UsbYubiKey } from '../../devices/usbip/usb-yubikey.ts'
import { command } from '../../devices/yubihsm/codes.ts'
import { startConnector } from '../../devices/yubihsm/connector.ts'
import { VirtualYubiHsm } from '../../devices/yubihsm/virtual-yubihsm.ts'
import { makeCard } from '../../devices/yubikey/card.ts'
import { generateCardKey } from '../../devices/yubikey/card-key.ts'
import { withKeys } from '../../devices/yubikey/testing/given-key.ts'
import { VirtualYubiKey } from '../../devices/yubikey/virtual-yubikey.ts'
import { nodeOf } from './bus.ts'
import { desk, install } from './desk.ts'
import { valueOf } from './station.ts'
import {
  doctorOnTerminal,
  findingOf,
  type SigningKeyOfTest,
  type World,
  ykcs11,
  yubihsmPin,
  yubihsmPkcs11,
  yubikeyPin,
} from './world.ts'

/** One after the other: each begins where the one before it ended. */
export type Step = { readonly title: string; readonly run: (world: World) => Promise<void> }

const hsmSerial = 7_550_140
const keySerial = 20_000_054
const hsmToken = { manufacturer: 'Yubico (www.yubico.com)', model: 'YubiHSM', serial: '07550140' }
const keyLabel = 'sb-2027'
const keyId = '0064'

/** P-256 for quick work, and a touch for each signature; the certificate and the label are those of every slot 9C. */
function yubikeyOf(serial: number): VirtualYubiKey {
  const made = withKeys(makeCard({ firmware: '5.4.3', serial }), [
    {
      slot: 0x9c,
      algorithm: 'ec-p256',
      key: generateCardKey('ec-p256'),
      pin: 'always',
      touch: 'always',
      commonName: 'Secure Boot signing',
    },
  ])
  return new VirtualYubiKey({ made, touchTimeoutMs: null })
}

const signatures = (key: VirtualYubiKey) =>
  key.exchanges.filter(({ ins, p2, sw }) => ins === 0x87 && p2 === 0x9c && sw === 0x9000).length
const tries = (key: VirtualYubiKey) => key.exchanges.filter(({ ins, p2 }) => ins === 0x87 && p2 === 0x9c).length

let hsm: UsbYubiHsm
let yubikey: UsbYubiKey
let hsmKey: SigningKeyOfTest
let yubikeyKey: SigningKeyOfTest
let pid = 0

export const scenario: readonly Step[] = [
  {
    title: 'the doctor says why an ordinary user may not open a YubiHSM, and what it tells him to type mends it',
    run: async ({ bus }) => {
      hsm = new UsbYubiHsm(new VirtualYubiHsm({ serial: hsmSerial }), () => bus.pull(hsm))
      desk.useYubiHsm('yhusb://')
      await bus.plug(hsm)
      await bus.settled(hsm, true)
      const node = (await nodeOf(hsm)) ?? ''
      const refused = await doctorOnTerminal(yubihsmPkcs11)
      assert.equal(findingOf(refused, 'device').subject, 'YubiHSM (serial 0007550140)')
      const { verdict } = findingOf(refused, 'permission')
      assert.equal(verdict.kind, 'problem')
      assert.equal(verdict.sentence, `No udev rule gives you access to ${node}.`)
      assert(verdict.command !== null)
      // No token for him: the module sees what the doctor says.
      assert.equal(findingOf(refused, 'module-shows-token').verdict.kind, 'problem')
      await desk.type(verdict.command)
      const ruled = findingOf(await doctorOnTerminal(yubihsmPkcs11), 'permission').verdict
      assert.match(ruled.sentence, /^The rule \S+ is there, and you still may not open/)
      assert(ruled.kind === 'problem' && ruled.command !== null)
      await desk.type(ruled.command)
      const mended = await doctorOnTerminal(yubihsmPkcs11)
      assert.deepEqual(findingOf(mended, 'permission').verdict, { kind: 'ok', sentence: `You may open ${node}.` })
      assert.equal(findingOf(mended, 'module-shows-token').verdict.kind, 'ok', JSON.stringify(mended.findings))
    },
  },
  {
    title: 'the doctor sees the YubiKey from USB over pcscd to the module',
    run: async (world) => {
      const { bus } = world
      yubikey = new UsbYubiKey(yubikeyOf(keySerial))
      await bus.plug(yubikey)
      await bus.settled(yubikey, true)
      const without = findingOf(await doctorOnTerminal(ykcs11), 'pcscd')
      assert.equal(without.verdict.kind, 'problem')
      await world.startPcscd()
      const shown = await world.eventually('ykcs11 shows the key', async () => {
        const report = await doctorOnTerminal(ykcs11)
        return findingOf(report, 'module-shows-token', 'YubiKey').verdict.kind === 'ok' ? report : null
      })
      assert.match(findingOf(shown, 'pcscd').verdict.sentence, /^pcscd runs, and shows “Yubico YubiKey OTP\+FIDO\+CCID/)
    },
  },
  {
    title: 'the station’s own program starts as the operator, and hears of both devices as they come and go',
    run: async (world) => {
      const { bus, server } = world
      for (const device of [hsm, yubikey]) bus.pull(device)
      for (const device of [hsm, yubikey]) await bus.settled(device, false)
      const station = await world.startStation()
      pid = station.pid
      const names = { stationName: 'desk.example.org', operatorName: 'Release Manager' }
      valueOf(await station.api.stationCreate(names))
      const settings = valueOf(await station.api.settingsGet())
      valueOf(
        await station.api.settingsSet({
          ...settings,
          server: { apiUrl: server.apiUrl, caPem: server.caPem, scope: null },
          modules: [ykcs11, yubihsmPkcs11].map((path) => ({ path, enabled: true })),
        }),
      )
      valueOf(await station.api.serverEnrol({ activationToken: null }))
      server.enableWorker()
      valueOf(await station.api.dutySet({ onDuty: true }))
      assert.deepEqual(valueOf(await station.api.devicesList()), { watch: 'events', devices: [] })
      await world.plug('YubiHSM', hsm)
      await world.plug('YubiKey', yubikey)
      await Promise.all([world.shown(hsmToken.serial), world.shown(String(keySerial))])
      await world.pull('YubiHSM', hsm)
      await world.pull('YubiKey', yubikey)
      await Promise.all([world.notShown(hsmToken.serial), world.notShown(String(keySerial))])
      await world.plug('YubiHSM', hsm)
      await world.plug('YubiKey', yubikey)
      const [ofHsm, ofKey] = [await world.shown(hsmToken.serial), await world.shown(String(keySerial))]
      assert.deepEqual(ofHsm.token.id, hsmToken)
      assert.equal(ofKey.token.label, `YubiKey PIV #${keySerial}`)
    },
  },
  {
    title: 'a key is made on the YubiHSM over yhusb://, registered, and signs',
    run: async (world) => {
      const { api } = world.station
      const made = valueOf(
        await api.generationBegin({
          plan: {
            purpose: 'uefi',
            description: 'Secure Boot signing on the YubiHSM',
            production: true,
            token: hsmToken,
            ckaId: keyId,
            label: keyLabel,
            algorithm: 'rsa-2048',
            policies: { pin: 'default', touch: 'default' },
            certificate: {
              kind: 'self-signed',
              subject: { commonName: 'Secure Boot signing 2027', organization: null, unit: null, country: null },
              days: 3650,
            },
          },
          pin: yubihsmPin,
          officerPin: null,
          useLastTry: false,
        }),
      )
      assert.equal(made.state, 'registered', JSON.stringify(made.failure))
      hsmKey = await registered(world, made.fingerprint ?? '', yubihsmPin)
      await world.sign(await world.ask(hsmKey, 2))
    },
  },
  {
    title: 'a key of the YubiKey is registered, and signs',
    run: async (world) => {
      const { token, objects } = await world.shown(String(keySerial))
      const object = objects.find(({ ckaId }) => ckaId === '02')
      assert(object !== undefined && object.certificatePem !== null, JSON.stringify(objects))
      const { fingerprint } = valueOf(
        await world.station.api.keysRegister({
          purpose: 'uefi',
          token: token.id,
          ckaId: object.ckaId,
          certificatePem: object.certificatePem,
          description: 'Secure Boot signing on the YubiKey',
          production: true,
          pin: yubikeyPin,
          useLastTry: false,
        }),
      )
      yubikeyKey = await registered(world, fingerprint, yubikeyPin)
      await world.sign(await world.ask(yubikeyKey, 2))
    },
  },
  {
    title: 'a YubiKey that waits for a finger asks for time over CCID, and the window says “touch the key now”',
    run: async (world) => {
      const asked = await world.ask(yubikeyKey)
      const [before, from] = [yubikey.timeExtensions, world.station.heard.length]
      yubikey.key.finger = 'away'
      const approved = world.approve(asked)
      await yubikey.key.touchAwaited()
      const began = Date.now()
      const told = await world.station.event('signing.progress', ({ phase }) => phase === 'touch', from)
      world.figure('told to touch, after the key began to blink', told.at - began)
      await world.eventually('the key has asked for more time', () =>
        Promise.resolve(yubikey.timeExtensions >= before + 3 || null),
      )
      assert.equal(yubikey.key.blinking, true)
      yubikey.key.touch()
      valueOf(await approved)
      await world.finish(asked)
      yubikey.key.finger = 'on-the-key'
    },
  },
  {
    title: 'a YubiKey that is pulled while it waits for a finger leaves an incident, and no second signature',
    run: async (world) => {
      const asked = await world.ask(yubikeyKey, 2)
      const { key } = yubikey
      const [made, tried] = [signatures(key), tries(key)]
      key.finger = 'away'
      valueOf(await world.approve(asked))
      await key.touchAwaited()
      await world.pull('YubiKey that waits for a finger', yubikey)
      await endsAsIncident(world, asked.work)
      key.finger = 'on-the-key'
      await world.plug('YubiKey after an incident', yubikey)
      await world.shown(String(keySerial))
      assert.equal((await world.until(asked.work, 'incident')).summary.stage, 'incident')
      await closeIncident(world, asked.work, 'The YubiKey was pulled by mistake.')
      assert.deepEqual([signatures(key) - made, tries(key) - tried], [0, 1])
      await world.sign(await world.ask(yubikeyKey))
    },
  },
  {
    title: 'a YubiHSM that is pulled when it has signed and not answered leaves an incident, and no second signature',
    run: async (world) => {
      const asked = await world.ask(hsmKey, 2)
      const { device } = hsm
      const used = signedOn(device)
      device.losePowerIn({ command: command.signPkcs1, moment: 'before-answer' })
      valueOf(await world.approve(asked))
      await endsAsIncident(world, asked.work)
      await world.plug('YubiHSM after an incident', hsm)
      await world.shown(hsmToken.serial)
      await closeIncident(world, asked.work, 'The YubiHSM was pulled by mistake.')
      assert.equal(signedOn(device) - used, 1)
      await world.sign(await world.ask(hsmKey))
    },
  },
  {
    title:
      'another YubiHSM with the same serial number, label and key id is refused, and the right one signs when it is back',
    run: async (world) => {
      const asked = await world.ask(hsmKey)
      await world.pull('YubiHSM', hsm)
      const other = new UsbYubiHsm(await impostorOf(hsmSerial))
      await world.plug('another YubiHSM', other)
      await world.shown(hsmToken.serial)
      const refused = await world.approve(asked)
      assert(!refused.ok)
      assert.deepEqual([refused.error.code, refused.error.kind], ['key-mismatch', 'refused'], JSON.stringify(refused))
      assert.match(
        refused.error.message,
        /^The key is not the registered one: its public key differs\. Nothing was signed\./,
      )
      assert.equal(signedOn(other.device), 0)
      await world.pull('another YubiHSM', other)
      await world.plug('YubiHSM', hsm)
      await world.shown(hsmToken.serial)
      await world.sign(asked)
      assert.equal(world.station.pid, pid)
    },
  },
  {
    title:
      'another YubiKey with the same serial number, label and slot is refused, and the right one signs when it is back',
    run: async (world) => {
      const asked = await world.ask(yubikeyKey)
      await world.pull('YubiKey', yubikey)
      const other = new UsbYubiKey(yubikeyOf(keySerial))
      await world.plug('another YubiKey', other)
      await world.shown(String(keySerial))
      const refused = await world.approve(asked)
      assert(!refused.ok)
      assert.deepEqual([refused.error.code, refused.error.kind], ['key-mismatch', 'refused'], JSON.stringify(refused))
      assert.equal(tries(other.key), 0)
      await world.pull('another YubiKey', other)
      await world.plug('YubiKey', yubikey)
      await world.shown(String(keySerial))
      await world.sign(asked)
    },
  },
  {
    title: 'the YubiHSM behind Yubico’s connector signs as well, also after it was pulled and put back',
    run: async (world) => {
      await world.pull('YubiHSM', hsm)
      desk.useYubiHsm('http://127.0.0.1:12345')
      install(world.given.connector)
      world.daemon('connector', '/usr/bin/yubihsm-connector')
      await world.plug('YubiHSM', hsm)
      await world.eventually(
        'the connector has the device',
        async () => (await connectorStatus()).includes('status=OK') || null,
      )
      valueOf(await world.station.api.tokensList({ refresh: true }))
      await world.shown(hsmToken.serial)
      await world.sign(await world.ask(hsmKey))
      const report = await world.doctor()
      assert.equal(findingOf(report, 'connector').verdict.kind, 'ok')
      assert.deepEqual(
        report.findings.filter(({ verdict }) => verdict.kind === 'problem'),
        [],
      )
      await world.pull('YubiHSM', hsm)
      await world.notShown(hsmToken.serial)
      await world.plug('YubiHSM', hsm)
      await world.shown(hsmToken.serial)
      await world.sign(await world.ask(hsmKey))
    },
  },
  {
    title: 'it was one program all the time, its log is whole, and devices were seen within a second',
    run: async (world) => {
      assert.deepEqual([world.station.runs, world.station.pid], [true, pid])
      const checked = valueOf(await world.station.api.auditVerify({ source: 'station' }))
      assert.deepEqual(checked.findings, [])
      // A station without a folder elsewhere cannot know that its own was not put back as a whole. Nothing else is in doubt.
      assert.deepEqual(
        checked.doubts.map(({ code }) => code),
        ['known-only-inside'],
      )
      assert.deepEqual(world.server.record.violations, [])
      const seen = world.figures.filter(({ name }) => /^(?:at|de)tached: /.test(name)).map(({ ms }) => ms)
      const median = seen.sort((one, other) => one - other)[Math.floor(seen.length / 2)] ?? Infinity
      world.figure(`seen, median of ${seen.length}`, median)
      assert(median < 1000, `${median} ms`)
    },
  },
]

async function registered(world: World, name: string, pin: string): Promise<SigningKeyOfTest> {
  const print = fingerprint.parse(name)
  const keys = valueOf(await world.station.api.keysList())
  const key = keys.find((one) => one.fingerprint === print)
  assert(key?.certificatePem != null, JSON.stringify(keys))
  world.server.addKey({ purpose: 'uefi', fingerprint: print, publicKey: key.certificatePem })
  return { fingerprint: print, certificatePem: key.certificatePem, pin }
}

async function endsAsIncident(world: World, work: number): Promise<void> {
  const detail = await world.until(work, 'incident')
  assert.deepEqual(
    detail.files.map(({ outcome }) => outcome.kind),
    ['begun', 'waiting'],
  )
}

/** A person has looked into it: the file in doubt is unknown for ever, and the server is told that nothing came of it. */
async function closeIncident(world: World, work: number, note: string): Promise<void> {
  const { summary } = await world.until(work, 'incident')
  valueOf(await world.station.api.incidentClose({ requestId: summary.id, note }))
  assert.equal(await world.untilCompleted(work), 'failure')
  const done = await world.until(work, 'done')
  assert.equal(done.files[0]?.outcome.kind, 'unknown')
  const outputs = await world.server.outputs(work)
  const output = outputs.find(({ category }) => category === 'debusine:signing-output')
  assert.deepEqual(output?.files, [])
  assert.match(JSON.stringify(output.data), /interrupted and the outcome is not known; the signature was not released/)
}

const signedOn = (device: VirtualYubiHsm) => device.executed(command.signPkcs1)

/** Same serial number, same label, same id; made with the maker's shell, and another key. */
async function impostorOf(serial: number): Promise<VirtualYubiHsm> {
  const device = new VirtualYubiHsm({ serial })
  const connector = await startConnector(device)
  const session = ['-C', connector.url, '-p', 'password']
  const what = ['-a', 'generate-asymmetric-key', '-i', `0x${keyId}`, '-A', 'rsa2048', '-c', 'sign-pkcs', '-l', keyLabel]
  await promisify(execFile)('/usr/bin/yubihsm-shell', [...session, ...what])
  await connector.kill()
  return device
}

async function connectorStatus(): Promise<string> {
  return await fetch('http://127.0.0.1:12345/connector/status').then(
    (answer) => answer.text(),
    () => '',
  )
}
