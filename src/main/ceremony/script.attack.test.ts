import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { maxScriptBytes, parseScript, planOf } from './script.ts'

const folder = join(import.meta.dirname, '../../../resources/ceremonies')
const note = { id: 'opening', kind: 'note', title: 'Opening' }
const inspect = { id: 'device', kind: 'inspect-device', title: 'Device', device: 'hsm', model: 'yubihsm' }
const script = (steps: readonly unknown[], more: object = {}) =>
  Buffer.from(JSON.stringify({ format: 'signing-station-ceremony/1', title: 'T', purpose: 'P', steps, ...more }))

function sentence(bytes: Uint8Array): string {
  const read = parseScript(bytes)
  return read.ok ? 'taken' : read.error.message
}

describe('a ready script', () => {
  it.each(readdirSync(folder))('%s is right, and asks for what it uses', (name) => {
    const bytes = readFileSync(join(folder, name))
    const read = parseScript(bytes)
    expect(read.ok ? 'taken' : read.error.message).toBe('taken')
    if (!read.ok) return
    const text = bytes.toString()
    for (const { id } of read.value.script.parameters)
      expect(text.replace(/"parameters"[^\]]*\]/, '')).toContain(`\${${id}}`)
    // Everybody is named, and something is asked before anything is made.
    expect(read.value.script.steps.some(({ kind }) => kind === 'roles')).toBe(true)
  })
})

describe('a script that is wrong is named by its place', () => {
  it.each([
    [
      'an unknown kind',
      script([note, { ...note, id: 'b', kind: 'run-command' }]),
      'steps[1].kind: there is no step of the kind “run-command”.',
    ],
    ['a kind left out', script([{ id: 'a', title: 'A' }]), 'steps[0].kind'],
    ['an id twice', script([note, note]), 'steps[1].id: “opening” is the id of steps[0] already.'],
    [
      'a member that is not known',
      script([{ ...note, command: 'rm -rf /' }]),
      'steps[0] has a member that is not known: “command”.',
    ],
    ['a member at the top', script([note], { extra: 1 }), 'The script has a member that is not known: “extra”.'],
    ['no steps', script([]), 'steps'],
    ['no title', Buffer.from('{"format":"signing-station-ceremony/1","purpose":"P","steps":[]}'), 'title is missing'],
    ['another format', script([note], { format: 'signing-station-ceremony/2' }), 'format'],
    [
      'a device that nobody inspects',
      script([{ id: 'o', kind: 'device-options', title: 'O', device: 'hsm', forceAudit: 'on', auditSignatures: 'on' }]),
      'steps[0].device: no earlier step inspects a device “hsm”.',
    ],
    [
      'a key from nowhere',
      script([{ id: 't', kind: 'test-signature', title: 'T', key: 'k' }]),
      'steps[0].key: no earlier step makes or brings a key “k”.',
    ],
    [
      'a device twice',
      script([inspect, { ...inspect, id: 'again' }]),
      'steps[1].device: “hsm” was inspected in an earlier step.',
    ],
    [
      'a parameter that is not there',
      script([{ ...note, text: 'Say ${word}.' }]),
      'It uses ${word}, and has no such parameter.',
    ],
    [
      'a name with a mark that reorders',
      script([{ ...note, title: 'safe\u202egnp.exe' }]),
      'steps[0].title holds characters that cannot be seen.',
    ],
    [
      'a text with a control character',
      script([{ ...note, text: 'a\u0007b' }]),
      'steps[0].text holds characters that cannot be seen.',
    ],
    [
      'a zero-width space',
      script([{ ...note, title: 'Open\u200bing' }]),
      'steps[0].title holds characters that cannot be seen.',
    ],
    [
      'a member twice',
      Buffer.from('{"format":"signing-station-ceremony/1","title":"seen","title":"used","purpose":"P","steps":[]}'),
      'The member “title” stands twice in one object.',
    ],
    [
      'a member twice in disguise',
      Buffer.from('{"title":"seen","\\u0074itle":"used"}'),
      'The member “title” stands twice in one object.',
    ],
    ['no JSON', Buffer.from('steps:\n  - note'), 'The script cannot be read.'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'The script cannot be read.'],
    ['too long', Buffer.alloc(maxScriptBytes + 1, 0x20), 'larger than 256 KiB'],
  ])('%s', (_, bytes, expected) => {
    expect(sentence(bytes)).toContain(expected)
    expect(sentence(bytes)).toContain('Nothing was begun.')
  })

  it('by prototypes neither', () => {
    expect(sentence(Buffer.from('{"__proto__":{"format":"signing-station-ceremony/1"},"steps":[]}'))).not.toBe('taken')
    const planned = planOf(script([{ ...note, text: '${constructor}' }]), {})
    expect(planned.ok ? 'taken' : planned.error.code).toBe('script-wrong')
  })
})

describe('parameters', () => {
  const asked = script([{ ...note, text: 'Say ${word}.' }], { parameters: [{ id: 'word', label: 'The word' }] })

  it('are filled in, and another word is another plan', () => {
    const [one, two] = ['yes', 'no'].map((word) => planOf(asked, { word }))
    expect(one?.ok === true && one.value.script.steps[0]?.text).toBe('Say yes.')
    expect(one?.ok === true && two?.ok === true && one.value.planSha256 !== two.value.planSha256).toBe(true)
    expect(one?.ok === true && two?.ok === true && one.value.scriptSha256 === two.value.scriptSha256).toBe(true)
  })

  it('are not left out', () => {
    const planned = planOf(asked, { word: '  ' })
    expect(planned.ok ? null : planned.error).toMatchObject({
      code: 'parameter-missing',
      message: expect.stringContaining('The word'),
    })
  })

  it('bring no other characters and no other parameters in', () => {
    const hidden = planOf(asked, { word: 'y\u202ees' })
    expect(hidden.ok ? 'taken' : hidden.error.message).toContain('steps[0].text holds characters that cannot be seen')
    const nested = planOf(asked, { word: '${word}' })
    expect(nested.ok && nested.value.script.steps[0]?.text).toBe('Say ${word}.')
  })
})
