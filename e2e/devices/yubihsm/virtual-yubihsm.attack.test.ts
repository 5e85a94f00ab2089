import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { algorithm } from './algorithms.ts'
import { capabilitySet, everyCapability } from './capabilities.ts'
import { command } from './codes.ts'
import { keysOfPassword, paddedLabel } from './default-key.ts'
import { encodeMessage, parseMessage, u16, u64 } from './message.ts'
import { HostSession, plain } from './testing/host-session.ts'
import { refusalIn, VirtualYubiHsm } from './virtual-yubihsm.ts'

// A stand-in that is laxer than the device would let tests pass that a real one fails.

const open = (device: VirtualYubiHsm, id?: number, password?: string) =>
  HostSession.open((bytes) => device.exchange(bytes), id, password)

function authenticationKey(id: number, capabilities: bigint, delegated: bigint, domains: number): Uint8Array {
  return Buffer.concat([
    u16(id),
    paddedLabel(''),
    u16(domains),
    u64(capabilities),
    Uint8Array.of(algorithm.aes128Authentication),
    u64(delegated),
    keysOfPassword('another'),
  ])
}

it('an authentication key gives nobody more than it may give: no capability, no delegation, no domain', async () => {
  const device = new VirtualYubiHsm()
  const owner = await open(device)
  const may = capabilitySet('putAuthenticationKey')
  const gives = may | capabilitySet('signEcdsa')
  await owner.send(command.putAuthenticationKey, authenticationKey(2, may, gives, 0b11))
  const limited = await open(device, 2, 'another')
  const put = (capabilities: bigint, delegated: bigint, domains: number) =>
    limited.send(command.putAuthenticationKey, authenticationKey(0, capabilities, delegated, domains))
  await expect(put(everyCapability, 0n, 0b01)).rejects.toThrow('insufficientPermissions')
  await expect(put(0n, everyCapability, 0b01)).rejects.toThrow('insufficientPermissions')
  await expect(put(0n, 0n, 0b101)).rejects.toThrow('insufficientPermissions')
  await put(gives, gives, 0b11)
})

it('a session message is taken once, and none that was changed', async () => {
  const device = new VirtualYubiHsm()
  const sent: Uint8Array[] = []
  const session = await HostSession.open((bytes) => {
    sent.push(bytes)
    return device.exchange(bytes)
  })
  await session.send(command.getPseudoRandom, u16(8))
  const replayed = sent.at(-1) ?? new Uint8Array()
  expect(refusalIn(await device.exchange(replayed))).toBe('authenticationFailed')
  for (let place = 4; place < replayed.length; place += 7) {
    const changed = Uint8Array.from(replayed)
    changed[place] = (changed[place] ?? 0) ^ 0x10
    expect(refusalIn(await device.exchange(changed))).toBe('authenticationFailed')
  }
  // The session has not lost step for that.
  expect((await session.send(command.getPseudoRandom, u16(8))).length).toBe(8)
})

it('a wrong password gets no session, and leaves none behind', async () => {
  const device = new VirtualYubiHsm()
  for (let count = 0; count < 40; count++)
    await expect(open(device, 1, `guess ${count}`)).rejects.toThrow('authenticationFailed')
  expect(device.openSessions).toBe(0)
  await open(device)
})

it('a session that is begun and not authenticated does nothing', async () => {
  const device = new VirtualYubiHsm()
  const exchange = (bytes: Uint8Array) => device.exchange(bytes)
  const begun = await plain(exchange, command.createSession, Buffer.concat([u16(1), randomBytes(8)]))
  const message = Buffer.concat([begun.subarray(0, 1), randomBytes(16), randomBytes(8)])
  await expect(plain(exchange, command.sessionMessage, message)).rejects.toThrow('invalidSession')
})

it('nothing but echo, device info, its public key and the opening of sessions is answered outside of a session', async () => {
  const device = new VirtualYubiHsm()
  const alone: number[] = []
  for (let code = 0; code < 0x80; code++) {
    const refusal = refusalIn(await device.exchange(encodeMessage(code)))
    if (refusal !== 'invalidCommand') alone.push(code)
  }
  const { echo, createSession, authenticateSession, sessionMessage, deviceInfo, getDevicePublicKey } = command
  expect(alone).toEqual([echo, createSession, authenticateSession, sessionMessage, deviceInfo, getDevicePublicKey])
})

it('any bytes are answered, and leave the device as it was', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  const objects = JSON.stringify(device.save().objects)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      expect(parseMessage(await device.exchange(bytes))).not.toBeNull()
    }),
    { numRuns: 500 },
  )
  expect(JSON.stringify(device.save().objects)).toBe(objects)
  expect(await session.send(command.echo, Buffer.from('still there'))).toEqual(Buffer.from('still there'))
})

it('any data of any command in a session is answered, by the command or by a refusal', async () => {
  const device = new VirtualYubiHsm()
  const session = await open(device)
  const harmful = new Set<number>([
    command.resetDevice,
    command.closeSession,
    command.generateAsymmetricKey,
    command.generateWrapKey,
  ])
  const code = fc.integer({ min: 0, max: 0x7f }).filter((one) => !harmful.has(one))
  const meant = fc.uint8Array({ maxLength: 300 })
  // Half of them about an object that is there.
  const data = fc.oneof(
    meant,
    meant.map((bytes) => Uint8Array.from([0, 1, ...bytes])),
  )
  await fc.assert(
    fc.asyncProperty(code, data, async (one, bytes) => {
      await session.send(one, bytes).catch((error: unknown) => {
        expect(String(error)).toMatch(/^Error: (?:invalid|wrong|object|insufficient|algorithm|ssh|storage)/)
      })
    }),
    { numRuns: 1000 },
  )
  expect(await session.send(command.echo, Buffer.from('still there'))).toEqual(Buffer.from('still there'))
})
