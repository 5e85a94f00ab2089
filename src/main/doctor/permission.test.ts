import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type DoctorCheck, doctorReport } from '../../shared/doctor.ts'
import { yubihsmRule } from './permission-check.ts'
import { connectorStatus, PreparedMachine } from './testing/prepared-machine.ts'

const run = promisify(execFile)

// Root may open everything: as root, the doctor runs as another user.
const asUser = process.getuid?.() === 0 ? ['setpriv', '--reuid=20001', '--regid=20001', '--clear-groups'] : []

describe('the doctor, about rights of an ordinary user', () => {
  let machine: PreparedMachine
  beforeEach(() => {
    machine = new PreparedMachine()
  })
  afterEach(() => machine.end())

  async function ask(check: DoctorCheck, environment: Record<string, string> = {}) {
    const script = fileURLToPath(new URL('./testing/print-report.ts', import.meta.url))
    const [command, ...args] = [...asUser, process.execPath, script, machine.root, JSON.stringify(environment)]
    const { stdout } = await run(command, args)
    return doctorReport.parse(JSON.parse(stdout)).findings.find((one) => one.check === check)?.verdict
  }
  const connectorOff = () => machine.connectorAt('http://127.0.0.1:1')

  test('a YubiHSM whose node is root’s alone: no rule, and the rule that mends it', async () => {
    machine.yubihsm(0o600)
    machine.put('/usr/lib/udev/rules.d/60-other.rules', '# ATTR{idVendor}=="1050", ATTR{idProduct}=="0030"\n')
    const verdict = await ask('permission', connectorOff())
    expect(verdict).toMatchObject({
      kind: 'problem',
      sentence: 'No udev rule gives you access to /dev/bus/usb/001/009.',
    })
    const command = verdict?.kind === 'problem' ? verdict.command : null
    expect(command).toBe(
      `sudo tee /etc/udev/rules.d/70-signing-station-yubihsm.rules >/dev/null <<'END'\n${yubihsmRule}\nEND\nsudo udevadm control --reload && sudo udevadm trigger --subsystem-match=usb`,
    )
  })

  test('Debian’s own rule gives it to the connector: the file is named', async () => {
    machine.yubihsm(0o600)
    machine.put(
      '/lib/udev/rules.d/70-yubihsm-connector.rules',
      'SUBSYSTEM=="usb", ATTRS{idVendor}=="1050", ATTRS{idProduct}=="0030", OWNER="yubihsm-connector"\n',
    )
    expect(await ask('permission', connectorOff())).toMatchObject({
      kind: 'problem',
      sentence: expect.stringContaining('/lib/udev/rules.d/70-yubihsm-connector.rules'),
    })
  })

  test('our rule is there and does not help: replug, or join the group', async () => {
    machine.yubihsm(0o600)
    machine.put('/etc/udev/rules.d/70-signing-station-yubihsm.rules', `${yubihsmRule}\n`)
    expect(await ask('permission', connectorOff())).toMatchObject({
      kind: 'problem',
      command: expect.stringContaining('usermod -aG plugdev operator'),
    })
  })

  test('no access is needed where the connector has the device, and it is where the module uses it itself', async () => {
    machine.yubihsm(0o600)
    const environment = await machine.connector(connectorStatus('OK'))
    expect(await ask('permission', environment)).toMatchObject({ kind: 'ok' })
    expect(await ask('permission', machine.connectorAt('yhusb://'))).toMatchObject({
      kind: 'problem',
      advice: expect.stringContaining('yhusb://'),
    })
  })

  test('a node that may be opened is in order; one that is not there is not', async () => {
    machine.yubihsm(0o666)
    expect(await ask('permission', connectorOff())).toMatchObject({ kind: 'ok' })
    await machine.end()
    machine = new PreparedMachine()
    machine.yubihsm(null)
    expect(await ask('permission', connectorOff())).toMatchObject({
      kind: 'problem',
      sentence: expect.stringContaining('is not there'),
    })
  })

  test('a socket of pcscd that refuses this user', async (ctx) => {
    if (asUser.length === 0) return ctx.skip('only root can make a socket that belongs to somebody else')
    machine.yubikey()
    await machine.pcscdWith([])
    machine.closePcscd()
    expect(await ask('pcscd')).toMatchObject({ kind: 'problem', sentence: expect.stringContaining('You may not use') })
    return undefined
  })
})
