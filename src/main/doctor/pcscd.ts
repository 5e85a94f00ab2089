import { join } from 'node:path'
import { askSocket } from './ask-socket.ts'
import { isThere, type Machine } from './machine.ts'

/** pcscd's clients meet it at this socket, in Debian 12 and 13; modules look at the same variable. */
export function pcscdSocket(machine: Machine): string {
  return machine.environment['PCSCLITE_CSOCK_NAME'] || '/run/pcscd/pcscd.comm'
}

export type PcscdReader = { readonly name: string; readonly isExclusive: boolean; readonly hasCard: boolean }

export type PcscdState =
  | { readonly kind: 'not-installed' }
  | { readonly kind: 'no-socket' }
  /** The socket's file is there, and nobody listens. */
  | { readonly kind: 'not-listening' }
  | { readonly kind: 'forbidden' }
  /** It takes the connection and ends it at the first word: so pcscd treats whom polkit does not let in. */
  | { readonly kind: 'turned-away' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'answers'; readonly readers: readonly PcscdReader[] }

// pcsc-lite, src/winscard_msg.h: a header (size of what follows, command), both 32 bits in the machine's order; the answer has none.
const commandVersion = 0x11
const commandReaders = 0x12
const headerBytes = 8
const versionBytes = 12
/** eventhandler.h, READER_STATE: name[128], events, state, sharing, atr[33], padding, length. Sixteen of them. */
const readerBytes = 180
const maxReaders = 16
const nameBytes = 128
const stateAt = 132
const sharingAt = 136
/** SCARD_PRESENT, in the lower half of the word. */
const present = 0x4
/** PCSCLITE_SHARING_EXCLUSIVE_CONTEXT. */
const exclusive = -1
const limitMs = 2_500

/** Asks pcscd what a module would ask: whether it speaks to us, and which readers it has. Opens no reader and no card. */
export async function askPcscd(machine: Machine): Promise<PcscdState> {
  const path = pcscdSocket(machine)
  const version = new Uint8Array(headerBytes + versionBytes)
  version.set(words(versionBytes, commandVersion, 4, 4, 0))
  const all = versionBytes + readerBytes * maxReaders
  const answer = await askSocket(
    { path: join(machine.root, path) },
    Buffer.concat([version, words(0, commandReaders)]),
    {
      most: all,
      limitMs,
      enough: (bytes) => bytes.length >= all,
    },
  )
  switch (answer.kind) {
    case 'failed':
      return failureOf(machine, answer.code)
    case 'closed':
      return { kind: 'turned-away' }
    case 'silent':
      return { kind: 'silent' }
    case 'answered':
      return answer.bytes.length < versionBytes
        ? { kind: 'silent' }
        : { kind: 'answers', readers: readersIn(answer.bytes.subarray(versionBytes)) }
  }
}

async function failureOf(machine: Machine, code: string): Promise<PcscdState> {
  if (code === 'EACCES' || code === 'EPERM') return { kind: 'forbidden' }
  if (code === 'ECONNREFUSED') return { kind: 'not-listening' }
  if (code === 'ETIMEDOUT') return { kind: 'silent' }
  return (await isThere(machine, '/usr/sbin/pcscd')) ? { kind: 'no-socket' } : { kind: 'not-installed' }
}

function readersIn(bytes: Buffer): readonly PcscdReader[] {
  const readers: PcscdReader[] = []
  for (let at = 0; at + readerBytes <= bytes.length; at += readerBytes) {
    const entry = bytes.subarray(at, at + readerBytes)
    const end = entry.indexOf(0)
    const name = entry.toString('utf8', 0, end < 0 || end > nameBytes ? nameBytes : end)
    // −1 is the same in every byte order.
    if (name === '') continue
    const state = new Uint32Array(Uint8Array.from(entry.subarray(stateAt, stateAt + 4)).buffer)[0] ?? 0
    readers.push({ name, isExclusive: entry.readInt32LE(sharingAt) === exclusive, hasCard: (state & present) !== 0 })
  }
  return readers
}

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer)
}
