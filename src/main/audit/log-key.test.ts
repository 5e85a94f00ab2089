import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { publicKeyOf } from '../keys/software/sealed-box.ts'
import { sealPrivateKey, unsealPrivateKey } from '../keys/software/sealed-record.ts'
import { isKeyName, parseVerifierKey, verifyEd25519 } from './format/signed-note.ts'
import { createLogKey, newLogOrigin, openLogKey, type Sealing } from './log-key.ts'

function sealingBy(byte: number): Sealing {
  const secretKey = new Uint8Array(32).fill(byte)
  const service = { file: 'service.key', publicKey: publicKeyOf(secretKey), secretKey }
  return {
    seal: (key) => sealPrivateKey(key, service.publicKey),
    unseal: (sealed) => unsealPrivateKey(sealed, [service]),
  }
}

const sealing = sealingBy(7)
const origin = newLogOrigin('Station 1, Büro.example.org')

describe('the key of a log', () => {
  it('is made once, sealed in a file that only its user can read, and opened again', async () => {
    const path = join(tempFolder(), 'log-key.json')
    const made = createLogKey(path, origin, sealing)
    if (!made.ok) throw new Error(made.error.message)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(parseVerifierKey(made.value.vkey)).toMatchObject({ ok: true, value: { name: origin } })
    const opened = openLogKey(path, sealing)
    if (!opened.ok) throw new Error(opened.error.message)
    expect(opened.value.vkey).toBe(made.value.vkey)
    const message = Buffer.from('a checkpoint')
    expect(verifyEd25519(made.value.key, message, await opened.value.sign(message))).toBe(true)
    expect(createLogKey(path, origin, sealing)).toMatchObject({ ok: false, error: { code: 'log-key-exists' } })
    expect(openLogKey(path, sealing)).toMatchObject({ ok: true, value: { vkey: made.value.vkey } })
  })

  it('has an origin that can be a key’s name and is another one each time', () => {
    expect(isKeyName(origin)).toBe(true)
    expect(origin).toMatch(/^station-1-b-ro\.example\.org\/signing-log\/[0-9a-f]{16}$/)
    expect(newLogOrigin('x')).not.toBe(newLogOrigin('x'))
    expect(isKeyName(newLogOrigin(''))).toBe(true)
    expect(isKeyName(newLogOrigin('a+b c\u00a0d\n'))).toBe(true)
  })

  it('cannot be opened without the service key that it was sealed to', () => {
    const path = join(tempFolder(), 'log-key.json')
    createLogKey(path, origin, sealing)
    expect(openLogKey(path, sealingBy(8))).toMatchObject({
      ok: false,
      error: { code: 'log-key-sealed', kind: 'unavailable' },
    })
  })

  it.each([
    ['is no JSON', () => 'x'],
    ['has no key', () => '{}'],
    ['names another log', (text: string) => text.replace('/signing-log/', '/signing-lot/')],
    [
      'has another log’s sealed half',
      (_text: string, other: string) => {
        const [ours, theirs] = [
          JSON.parse(_text) as Record<string, unknown>,
          JSON.parse(other) as Record<string, unknown>,
        ]
        return JSON.stringify({ ...ours, sealed: theirs['sealed'] })
      },
    ],
  ])('is not opened from a file that %s', (_name, change) => {
    const path = join(tempFolder(), 'log-key.json')
    const other = join(tempFolder(), 'log-key.json')
    createLogKey(path, origin, sealing)
    createLogKey(other, origin, sealing)
    chmodSync(path, 0o600)
    writeFileSync(path, change(readFileSync(path, 'utf8'), readFileSync(other, 'utf8')))
    expect(openLogKey(path, sealing)).toMatchObject({ ok: false, error: { code: 'log-key-unreadable' } })
  })

  it('says when it is not there, or cannot be written', () => {
    expect(openLogKey(join(tempFolder(), 'log-key.json'), sealing)).toMatchObject({
      ok: false,
      error: { code: 'log-key-absent' },
    })
    expect(createLogKey(join(tempFolder(), 'none', 'log-key.json'), origin, sealing)).toMatchObject({
      ok: false,
      error: { code: 'log-key-unwritable' },
    })
  })
})
