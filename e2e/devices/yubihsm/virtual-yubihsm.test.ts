import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { algorithm } from './algorithms.ts'
import { type CapabilityName, capabilitySet } from './capabilities.ts'
import { command, deviceOption, type ObjectType, objectType, optionValue } from './codes.ts'
import { keysOfPassword, paddedLabel } from './default-key.ts'
import { u16, u64 } from './message.ts'
import { HostSession, plain } from './testing/host-session.ts'
import { VirtualYubiHsm } from './virtual-yubihsm.ts'

const exchangeWith = (device: VirtualYubiHsm) => (bytes: Uint8Array) => device.exchange(bytes)
const open = (device: VirtualYubiHsm, id?: number, password?: string) =>
  HostSession.open(exchangeWith(device), id, password)

interface Meta {
  readonly id: number
  readonly algorithm: number
  readonly may?: readonly CapabilityName[]
  readonly domains?: number
}

function meta({ id, algorithm: code, may = [], domains = 0xffff }: Meta, ...rest: readonly Uint8Array[]): Uint8Array {
  const parts = [u16(id), paddedLabel(`object ${id}`), u16(domains), u64(capabilitySet(...may)), Uint8Array.of(code)]
  return Buffer.concat([...parts, ...rest])
}

const putKey = (
  session: HostSession,
  id: number,
  password: string,
  may: readonly CapabilityName[],
  delegated: bigint,
  domains = 0xffff,
) =>
  session.send(
    command.putAuthenticationKey,
    meta({ id, algorithm: algorithm.aes128Authentication, may, domains }, u64(delegated), keysOfPassword(password)),
  )
const generateEc = (session: HostSession, rest: Partial<Meta> & { readonly id: number }) =>
  session.send(command.generateAsymmetricKey, meta({ algorithm: algorithm.ecP256, ...rest }))
const idAndType = (id: number, type: ObjectType) => Buffer.concat([u16(id), Uint8Array.of(type)])
const signEcdsa = (session: HostSession, id: number) =>
  session.send(command.signEcdsa, Buffer.concat([u16(id), randomBytes(32)]))
const option = (tag: number, ...value: readonly number[]) =>
  Buffer.concat([Uint8Array.of(tag), u16(value.length), Uint8Array.from(value)])

it('echoes, in a session and outside of one, up to the longest message', async () => {
  const device = new VirtualYubiHsm()
  const longest = randomBytes(3136 - 3)
  expect(await plain(exchangeWith(device), command.echo, longest)).toEqual(longest)
  await expect(plain(exchangeWith(device), command.echo, randomBytes(3136 - 2))).rejects.toThrow('wrongLength')
  const session = await open(device)
  expect(await session.send(command.echo, randomBytes(0))).toEqual(Buffer.alloc(0))
  const old = new VirtualYubiHsm({ firmware: [2, 3, 2] })
  await expect(plain(exchangeWith(old), command.echo, randomBytes(2048 - 2))).rejects.toThrow('wrongLength')
})

it('needs the capability of the session and that of the key', async () => {
  const device = new VirtualYubiHsm()
  const owner = await open(device)
  await generateEc(owner, { id: 100, may: ['signEcdsa'] })
  await generateEc(owner, { id: 101 })
  await putKey(owner, 2, 'may sign', ['signEcdsa'], 0n)
  await putKey(owner, 3, 'may not', [], 0n)
  const [signer, other] = [await open(device, 2, 'may sign'), await open(device, 3, 'may not')]
  expect((await signEcdsa(signer, 100))[0]).toBe(0x30)
  await expect(signEcdsa(signer, 101)).rejects.toThrow('insufficientPermissions')
  await expect(signEcdsa(other, 100)).rejects.toThrow('insufficientPermissions')
  await expect(other.send(command.getPseudoRandom, u16(1))).rejects.toThrow('insufficientPermissions')
})

it('hides objects of other domains as if they were not there', async () => {
  const device = new VirtualYubiHsm()
  const owner = await open(device)
  await generateEc(owner, { id: 100, may: ['signEcdsa'], domains: 0b01 })
  await generateEc(owner, { id: 101, may: ['signEcdsa'], domains: 0b11 })
  await putKey(owner, 2, 'domain two', ['signEcdsa'], capabilitySet('signEcdsa'), 0b10)
  const two = await open(device, 2, 'domain two')
  const asymmetric = Uint8Array.of(2, objectType.asymmetricKey)
  expect(await two.send(command.listObjects, asymmetric)).toEqual(Buffer.from([0, 101, objectType.asymmetricKey, 0]))
  await expect(signEcdsa(two, 100)).rejects.toThrow('objectNotFound')
  await expect(two.send(command.getObjectInfo, idAndType(100, objectType.asymmetricKey))).rejects.toThrow(
    'objectNotFound',
  )
  expect((await signEcdsa(two, 101)).length).toBeGreaterThan(60)
})

it('lists by every filter', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  await generateEc(session, { id: 100, may: ['signEcdsa'], domains: 0b01 })
  await session.send(
    command.putOpaque,
    meta({ id: 200, algorithm: algorithm.opaqueData, may: ['exportableUnderWrap'], domains: 0b10 }, Buffer.from('x')),
  )
  const list = async (...filters: readonly Uint8Array[]) => {
    const found = Buffer.from(await session.send(command.listObjects, Buffer.concat(filters)))
    return Array.from({ length: found.length / 4 }, (_, index) => found.readUInt16BE(index * 4))
  }
  const filter = (tag: number, value: Uint8Array) => Buffer.concat([Uint8Array.of(tag), value])
  expect(await list()).toEqual([1, 100, 200])
  expect(await list(filter(1, u16(100)))).toEqual([100])
  expect(await list(filter(2, Uint8Array.of(objectType.opaque)))).toEqual([200])
  expect(await list(filter(3, u16(0b01)))).toEqual([1, 100])
  expect(await list(filter(4, u64(capabilitySet('exportableUnderWrap'))))).toEqual([1, 200])
  expect(await list(filter(5, Uint8Array.of(algorithm.ecP256)))).toEqual([100])
  expect(await list(filter(6, paddedLabel('object 200')))).toEqual([200])
  expect(await list(filter(3, u16(0b11)), filter(2, Uint8Array.of(objectType.asymmetricKey)))).toEqual([100])
  await expect(list(filter(7, u16(1)))).rejects.toThrow('invalidData')
})

it('gives ids that are free where it is asked for 0, and none twice', async () => {
  const session = await open(new VirtualYubiHsm())
  const ids = new Set<string>()
  for (let count = 0; count < 5; count++) ids.add(Buffer.from(await generateEc(session, { id: 0 })).toString('hex'))
  expect(ids.size).toBe(5)
  await generateEc(session, { id: 100 })
  await expect(generateEc(session, { id: 100 })).rejects.toThrow('objectExists')
  await expect(generateEc(session, { id: 0xffff })).rejects.toThrow('invalidId')
})

it('is full with 256 objects, or with as many bytes as it has', async () => {
  const session = await open(new VirtualYubiHsm())
  const opaque = (bytes: number) =>
    session.send(command.putOpaque, meta({ id: 0, algorithm: algorithm.opaqueData }, Buffer.alloc(bytes, 1)))
  const storage = async () => {
    const told = Buffer.from(await session.send(command.getStorageInfo))
    return Array.from({ length: 5 }, (_, index) => told.readUInt16BE(index * 2))
  }
  expect(await storage()).toEqual([256, 255, 1024, 1023, 126])
  for (let count = 0; count < 42; count++) await opaque(3000)
  expect(await storage()).toEqual([256, 213, 1024, 1023 - 42 * 24, 126])
  await expect(opaque(3000)).rejects.toThrow('storageFailed')
  const small = await open(new VirtualYubiHsm())
  for (let count = 0; count < 255; count++)
    await small.send(command.putOpaque, meta({ id: 0, algorithm: algorithm.opaqueData }, Buffer.from('x')))
  await expect(generateEc(small, { id: 0 })).rejects.toThrow('storageFailed')
})

it('switches algorithms off, on a fresh device only, until it is reset', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  await session.send(
    command.setOption,
    option(deviceOption.algorithmToggle, algorithm.ecP256, optionValue.off, 43, optionValue.off),
  )
  await expect(generateEc(session, { id: 100 })).rejects.toThrow('algorithmDisabled')
  await session.send(command.generateAsymmetricKey, meta({ id: 101, algorithm: algorithm.ecP384, may: ['signEcdsa'] }))
  await expect(signEcdsa(session, 101)).rejects.toThrow('algorithmDisabled')
  await expect(
    session.send(command.setOption, option(deviceOption.algorithmToggle, algorithm.ecP256, optionValue.on)),
  ).rejects.toThrow('insufficientPermissions')
  await session.send(command.resetDevice)
  await generateEc(await open(device), { id: 100 })
})

it('keeps a fixed audit until it is reset', async () => {
  const session = await open(new VirtualYubiHsm())
  const audit = (value: number) =>
    session.send(command.setOption, option(deviceOption.commandAudit, command.signEcdsa, value))
  await audit(optionValue.on)
  await audit(optionValue.off)
  await audit(optionValue.fixed)
  await expect(audit(optionValue.on)).rejects.toThrow('insufficientPermissions')
  await expect(session.send(command.setOption, option(deviceOption.commandAudit, 0xee, 1))).rejects.toThrow(
    'invalidData',
  )
  const pairs = [...(await session.send(command.getOption, Uint8Array.of(deviceOption.commandAudit)))]
  expect(pairs.slice(0, 4)).toEqual([command.echo, 0, command.createSession, 0])
  expect(pairs[pairs.indexOf(command.signEcdsa) + 1]).toBe(optionValue.fixed)
  await expect(session.send(command.getOption, Uint8Array.of(deviceOption.fipsMode))).rejects.toThrow('invalidData')
})

it('stores templates and signs no SSH certificate', async () => {
  const session = await open(new VirtualYubiHsm())
  const template = randomBytes(64)
  await session.send(command.putTemplate, meta({ id: 7, algorithm: algorithm.templateSsh }, template))
  expect(await session.send(command.getTemplate, u16(7))).toEqual(template)
  await session.send(
    command.generateAsymmetricKey,
    meta({ id: 8, algorithm: algorithm.rsa2048, may: ['signSshCertificate'] }),
  )
  const request = Buffer.concat([u16(8), u16(7), Uint8Array.of(2), randomBytes(100)])
  await expect(session.send(command.signSshCertificate, request)).rejects.toThrow('sshCaConstraint')
})

it('blinks as long as it is told, while it has power', async () => {
  let now = 0
  const device = new VirtualYubiHsm({ now: () => now })
  await (await open(device)).send(command.blinkDevice, Uint8Array.of(10))
  expect(device.isBlinking).toBe(true)
  now = 10_000
  expect(device.isBlinking).toBe(false)
})

it('loses its sessions with its power, and keeps what it stores', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  await generateEc(session, { id: 100, may: ['signEcdsa'] })
  device.unplug()
  await expect(session.send(command.echo)).rejects.toThrow('no power')
  device.plugIn()
  await expect(session.send(command.echo)).rejects.toThrow('invalidSession')
  expect((await signEcdsa(await open(device), 100)).length).toBeGreaterThan(60)
})

it('answers a command that was overtaken by unplugging with nothing, even when it is plugged in again', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  const generating = session.send(command.generateAsymmetricKey, meta({ id: 100, algorithm: algorithm.rsa3072 }))
  const listing = session.send(command.listObjects)
  device.unplug()
  device.plugIn()
  await expect(generating).rejects.toThrow('no power')
  await expect(listing).rejects.toThrow('no power')
  expect(device.save().objects.map(({ id }) => id)).toEqual([1])
})
