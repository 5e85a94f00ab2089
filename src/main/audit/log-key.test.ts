import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../../db/testing/temp-folder.ts'
import { checkpointText } from './format/checkpoint.ts'
import { isKeyName, parseVerifierKey, verifyEd25519 } from './format/signed-note.ts'
import { createLogKey, newLogOrigin, openLogKey, setLogKeyAside } from './log-key.ts'
import { logSignerAt } from './testing/log-signer.ts'

const origin = newLogOrigin('Station 1, Büro.example.org')
const text = checkpointText({ origin, size: 3, root: new Uint8Array(32), extensions: [] })

async function made(path = join(tempFolder(), 'log-key.json'), signer = logSignerAt(tempFolder())) {
  const key = await createLogKey(path, origin, signer)
  if (!key.ok) throw new Error(key.error.message)
  return { path, signer, key: key.value }
}

describe('the key of a log', () => {
  it('is made once, sealed in a file that only its user can read, and opened again', async () => {
    const { path, signer, key } = await made()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(parseVerifierKey(key.vkey)).toMatchObject({ ok: true, value: { name: origin } })
    const opened = openLogKey(path, signer)
    if (!opened.ok) throw new Error(opened.error.message)
    expect(opened.value.vkey).toBe(key.vkey)
    const signature = await opened.value.sign(text)
    expect(signature.ok && verifyEd25519(key.key, Buffer.from(text), signature.value)).toBe(true)
    expect(await createLogKey(path, origin, signer)).toMatchObject({ ok: false, error: { code: 'log-key-exists' } })
    expect(openLogKey(path, signer)).toMatchObject({ ok: true, value: { vkey: key.vkey } })
  })

  it('has an origin that can be a key’s name and is another one each time', () => {
    expect(isKeyName(origin)).toBe(true)
    expect(origin).toMatch(/^station-1-b-ro\.example\.org\/signing-log\/[0-9a-f]{16}$/)
    expect(newLogOrigin('x')).not.toBe(newLogOrigin('x'))
    expect(isKeyName(newLogOrigin(''))).toBe(true)
    expect(isKeyName(newLogOrigin('a+b c\u00a0d\n'))).toBe(true)
  })

  it('signs nothing without the service key that it was sealed to', async () => {
    const { path } = await made()
    const elsewhere = openLogKey(path, logSignerAt(tempFolder()))
    if (!elsewhere.ok) throw new Error(elsewhere.error.message)
    expect(await elsewhere.value.sign(text)).toMatchObject({
      ok: false,
      error: { code: 'service-key-absent', kind: 'unavailable' },
    })
  })

  it('signs nothing when its sealed half is another log’s', async () => {
    const signer = logSignerAt(tempFolder())
    const { path } = await made(undefined, signer)
    const other = await made(undefined, signer)
    const [ours, theirs] = [path, other.path].map(
      (file) => JSON.parse(readFileSync(file, 'utf8')) as { sealed: object },
    )
    writeFileSync(path, JSON.stringify({ ...ours, sealed: theirs?.sealed }))
    const mixed = openLogKey(path, signer)
    expect(mixed.ok && (await mixed.value.sign(text))).toMatchObject({ ok: false, error: { code: 'key-mismatch' } })
  })

  it.each([
    ['is no JSON', () => 'x'],
    ['has no key', () => '{}'],
    ['names another log', (record: string) => record.replace('/signing-log/', '/signing-lot/')],
    ['is longer than any', (record: string) => record + ' '.repeat(10_000)],
  ])('is not opened from a file that %s', async (_name, change) => {
    const { path, signer } = await made()
    writeFileSync(path, change(readFileSync(path, 'utf8')))
    expect(openLogKey(path, signer)).toMatchObject({ ok: false, error: { code: 'log-key-unreadable' } })
  })

  it('is not read through a link, nor from a pipe', async () => {
    const { path, signer } = await made()
    symlinkSync(path, `${path}.link`)
    expect(openLogKey(`${path}.link`, signer)).toMatchObject({ ok: false, error: { code: 'log-key-unreadable' } })
    execFileSync('mkfifo', [`${path}.pipe`])
    expect(openLogKey(`${path}.pipe`, signer)).toMatchObject({ ok: false, error: { code: 'log-key-unreadable' } })
  })

  it('says when it is not there, or cannot be written', async () => {
    const signer = logSignerAt(tempFolder())
    expect(openLogKey(join(tempFolder(), 'log-key.json'), signer)).toMatchObject({
      ok: false,
      error: { code: 'log-key-absent' },
    })
    expect(await createLogKey(join(tempFolder(), 'none', 'log-key.json'), origin, signer)).toMatchObject({
      ok: false,
      error: { code: 'log-key-unwritable' },
    })
  })

  it('that no log names is put away under another name, never deleted', async () => {
    const { path, key } = await made()
    setLogKeyAside(path)
    expect(existsSync(path)).toBe(false)
    const [kept = ''] = readdirSync(dirname(path)).filter((name) => name.startsWith('log-key.json.unused-'))
    expect(readFileSync(join(dirname(path), kept), 'utf8')).toContain(key.vkey)
  })
})
