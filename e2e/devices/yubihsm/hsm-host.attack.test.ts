import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { silentLog } from '../../../src/main/log/logger.ts'
import { createHsmService, type HsmDevice } from '../../../src/main/token/hsm-service.ts'
import { Secret } from '../../../src/shared/secret.ts'
import { command, deviceOption, errorCode } from './codes.ts'
import { startConnector } from './connector.ts'
import { logCapacity } from './device-log.ts'
import { u16 } from './message.ts'
import { HostSession, plain } from './testing/host-session.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

// What a ceremony is told by what stands between it and the device, and by a device that is at its limits.

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

const serial = 7_550_140
const key = { objectId: 0x0064, label: 'UEFI key', algorithm: 'ec-p256' } as const

/** Answers in the place of the device where `lie` has an answer. */
class ToldDevice extends VirtualYubiHsm {
  lie: (message: Uint8Array) => Uint8Array | null = () => null

  override async exchange(message: Uint8Array): Promise<Uint8Array> {
    return this.lie(message) ?? (await super.exchange(message))
  }
}

async function start() {
  const device = new ToldDevice({ serial })
  const connector = await startConnector(device)
  undo.push(() => connector.kill())
  const folder = mkdtempSync(join(tmpdir(), 'hsm-host-'))
  undo.push(() => rmSync(folder, { recursive: true }))
  const configuration = join(folder, 'yubihsm_pkcs11.conf')
  writeFileSync(configuration, `connector="${connector.url}"\n`)
  const service = createHsmService({
    node: process.execPath,
    hostEntry: fileURLToPath(new URL('../../../src/main/token/hsm-host/index.ts', import.meta.url)),
    environment: { YUBIHSM_PKCS11_CONF: configuration },
    log: silentLog,
  })
  const opened = await service.open(String(serial).padStart(8, '0'), Secret.fromText('0001password'))
  if (!opened.ok) throw new Error(opened.error.message)
  undo.push(() => opened.value.close())
  return { device, hsm: opened.value }
}

const codeOf = (
  result: Awaited<ReturnType<HsmDevice['generateExportable']>> | Awaited<ReturnType<HsmDevice['object']>>,
) => (result.ok ? (result.value === null ? 'there is none' : 'there') : result.error.code)

it('an error that nobody signed is not the device’s word that a key is gone', async () => {
  const { device, hsm } = await start()
  expect(codeOf(await hsm.generateExportable(key))).toBe('there')
  device.lie = (message) =>
    message[0] === command.sessionMessage ? Uint8Array.of(command.error, 0, 1, errorCode.objectNotFound) : null
  const told = await hsm.object('asymmetric-key', key.objectId)
  device.lie = () => null
  expect([codeOf(told), codeOf(await hsm.object('asymmetric-key', key.objectId))]).toEqual(['hsm-silent', 'there'])
})

it('a key that was made and cannot be shown, because the log is full, is not called refused', async () => {
  const { device, hsm } = await start()
  const exchange = (bytes: Uint8Array) => device.exchange(bytes)
  const session = await HostSession.open(exchange)
  const setOption = (option: number, value: readonly number[]) =>
    session.send(command.setOption, Uint8Array.from([option, ...u16(value.length), ...value]))
  const audited = [command.generateAsymmetricKey, command.getPublicKey, command.getPseudoRandom]
  await setOption(
    deviceOption.commandAudit,
    audited.flatMap((code) => [code, 1]),
  )
  const used = async () => (await plain(exchange, command.deviceInfo))[8] ?? 0
  while ((await used()) < logCapacity - 1) await session.send(command.getPseudoRandom, u16(1))
  await setOption(deviceOption.forceAudit, [1])
  const made = await hsm.generateExportable(key)
  const info = await session.send(command.getObjectInfo, Uint8Array.from([...u16(key.objectId), 3]))
  expect({ code: codeOf(made), isThere: info.length > 0 }).toEqual({ code: 'token-error', isThere: true })
})
