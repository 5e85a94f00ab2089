import { extendedCommand, shortCommand, sw } from '../apdu.ts'
import { type Card, defaultPin, type ManagementKey, reference } from '../card.ts'
import { type CardKey, generateCardKey } from '../card-key.ts'
import { decryptBlock, encryptBlock, managementAlgorithmId } from '../management-key.ts'
import { concat, tlv, valueAt } from '../tlv.ts'
import { VirtualYubiKey, type YubiKeyOptions } from '../virtual-yubikey.ts'

/** The answer to a whole command: data and status word. */
export type Said = { readonly data: Uint8Array; readonly sw: number }

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'))
}

export function pinBytes(text: string): Uint8Array {
  return reference(text, 3).value
}

const factory = new Map<string, Card>()

/** A key fresh from the factory, its PIV applet selected. Its attestation key is made once for each set of options. */
export async function freshKey(options: YubiKeyOptions = {}): Promise<VirtualYubiKey> {
  const { firmware, serial, attestation, formFactor, lastTry } = options
  const name = JSON.stringify({ firmware, serial, attestation, formFactor, lastTry })
  const key = new VirtualYubiKey({ ...options, made: factory.get(name) })
  factory.set(name, key.card)
  await selectPiv(key)
  return key
}

export function said(answer: Uint8Array): Said {
  const word = answer.subarray(-2)
  return { data: answer.slice(0, -2), sw: ((word[0] ?? 0) << 8) | (word[1] ?? 0) }
}

/** One short command as it is. */
export async function send(key: VirtualYubiKey, ins: number, p1: number, p2: number, data?: Uint8Array): Promise<Said> {
  return said(await key.send(shortCommand(ins, p1, p2, data)))
}

/** One command of any length, extended; the whole answer at once. */
export async function ask(
  key: VirtualYubiKey,
  ins: number,
  p1: number,
  p2: number,
  data: Uint8Array = new Uint8Array(0),
): Promise<Said> {
  const bytes = data.length === 0 ? Uint8Array.of(0, ins, p1, p2, 0, 0, 0) : extendedCommand(ins, p1, p2, data)
  return said(await key.send(bytes))
}

export function selectPiv(key: VirtualYubiKey): Promise<Said> {
  return send(key, 0xa4, 4, 0, fromHex('a000000308'))
}

export async function verifyPin(key: VirtualYubiKey, pin = defaultPin): Promise<number> {
  return (await send(key, 0x20, 0, 0x80, pinBytes(pin))).sw
}

/** The two steps of mutual authentication, with the host's half done right. Status word of the last step. */
export async function authenticate(
  key: VirtualYubiKey,
  management: ManagementKey = key.card.chip.management,
): Promise<number> {
  const algorithm = managementAlgorithmId(management.algorithm)
  const first = await ask(key, 0x87, algorithm, 0x9b, tlv(0x7c, tlv(0x80)))
  if (first.sw !== sw.ok) return first.sw
  const witness = valueAt(first.data, 0x7c, 0x80) ?? new Uint8Array(0)
  const challenge = new Uint8Array(witness.length).fill(0x5a)
  const proof = tlv(0x7c, tlv(0x80, decryptBlock(management, witness)), tlv(0x81, challenge))
  const second = await ask(key, 0x87, algorithm, 0x9b, proof)
  if (second.sw === sw.ok) {
    const answer = valueAt(second.data, 0x7c, 0x82)
    if (answer === null || hex(answer) !== hex(encryptBlock(management, challenge)))
      throw new Error('the key does not know its management key')
  }
  return second.sw
}

export type Policies = { readonly pin?: number; readonly touch?: number }

/** GENERATE; needs the management key. */
export function generate(
  key: VirtualYubiKey,
  slot: number,
  algorithm: number,
  { pin, touch }: Policies = {},
): Promise<Said> {
  const template = concat(
    tlv(0x80, Uint8Array.of(algorithm)),
    pin === undefined ? new Uint8Array(0) : tlv(0xaa, Uint8Array.of(pin)),
    touch === undefined ? new Uint8Array(0) : tlv(0xab, Uint8Array.of(touch)),
  )
  return ask(key, 0x47, 0, slot, tlv(0xac, template))
}

/** GENERAL AUTHENTICATE with a challenge; the signature where there is one. */
export async function signIn(
  key: VirtualYubiKey,
  slot: number,
  algorithm: number,
  challenge: Uint8Array,
): Promise<Said> {
  return inside(await ask(key, 0x87, algorithm, slot, tlv(0x7c, tlv(0x82), tlv(0x81, challenge))))
}

/** GENERAL AUTHENTICATE with a peer's public key; the secret where there is one. */
export async function agreeIn(key: VirtualYubiKey, slot: number, algorithm: number, peer: Uint8Array): Promise<Said> {
  return inside(await ask(key, 0x87, algorithm, slot, tlv(0x7c, tlv(0x82), tlv(0x85, peer))))
}

function inside(answer: Said): Said {
  const value = valueAt(answer.data, 0x7c, 0x82)
  return { data: value ?? new Uint8Array(0), sw: answer.sw }
}

/** One key of each kind for the whole process: RSA keys take time to make. */
const made = new Map<string, CardKey>()
export function sharedKey(algorithm: CardKey['algorithm']): CardKey {
  const key = made.get(algorithm) ?? generateCardKey(algorithm)
  made.set(algorithm, key)
  return key
}
