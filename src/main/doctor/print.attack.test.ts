import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { doctorReport } from '../../shared/doctor.ts'
import { printReport } from './print.ts'
import { PreparedMachine } from './testing/prepared-machine.ts'

// The report goes to a terminal, and its commands are copied into a shell. Names in it are chosen by whoever made the device.

const hostile = [
  '\u001b]0;owned\u0007\u001b[2J\u001b[1;1H$ all is well',
  'YubiHSM \u202egnp.exe\u202c',
  'a\r\nPROBLEM    Access\n\nsudo rm -rf ~\n',
  '$(reboot) `reboot` \'; reboot; "',
  'A'.repeat(10_240),
]

describe('a device with a hostile name', () => {
  let machine: PreparedMachine
  beforeEach(() => {
    machine = new PreparedMachine()
  })
  afterEach(() => machine.end())

  test.each(hostile)('%j changes no line but its own, and no command', async (product) => {
    machine.plug({
      port: '1-2',
      address: 9,
      ids: ['1050', '0030'],
      product,
      serial: product,
      interfaces: [],
      mode: null,
    })
    machine.plug({ port: '1-3', address: 8, ids: ['1050', '0407'], product, interfaces: ['030000'] })
    await machine.pcscdWith([{ name: product.slice(0, 60), sharing: -1 }])
    const findings = await machine.examine({ environment: machine.connectorAt('http://127.0.0.1:1') })
    const report = doctorReport.parse({
      at: '2026-11-20T10:48:00.000Z',
      findings: findings.map(({ check, subject, ...verdict }) => ({ check, subject, verdict })),
    })
    const text = printReport(report)
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    const commands = findings.flatMap((told) => (told.kind === 'problem' ? [told.command ?? ''] : []))
    for (const command of commands) expect(command).not.toMatch(/reboot|rm -rf|owned|gnp|AAAA/)
    // Every line is one of the report's own shapes: a heading, something indented, a command, the end.
    const own = new Set(commands.flatMap((command) => command.split('\n')))
    const strange = text
      .split('\n')
      .filter(
        (line) => !/^(?:ok|PROBLEM|-|not known) {2,}|^ {11}|^$|problems? (?:was|were) found|Nothing wrong/.test(line),
      )
      .filter((line) => !own.has(line))
    expect(strange).toEqual([])
    for (const line of text.split('\n')) expect(line.length).toBeLessThan(700)
  })
})
