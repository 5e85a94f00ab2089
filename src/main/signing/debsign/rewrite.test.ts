import { describe, expect, test } from 'vitest'
import { withDebusineFields } from './debusine-fields.ts'
import { signedChild, withChild } from './rewrite.ts'

const body = (text: string) => Buffer.from(text)
const child = signedChild('a_1.dsc', Buffer.from('signed'))

describe('the lines about a signed child', () => {
  test('are changed in every list, and nothing else is', () => {
    const text =
      'Format: 1.8\nChanges:\n a_1.dsc\nFiles:\n 00 1 misc optional a_1.dsc\n 11 2 misc optional a_1.dsc.asc\nChecksums-Sha1:\n 22 1 a_1.dsc\nX-Files:\n 33 1 a_1.dsc\n'
    const made = withChild(body(text), child)
    expect(made.ok && Buffer.from(made.value).toString()).toBe(
      text.replace(' 00 1 misc', ` ${child.md5} 6 misc`).replace(' 22 1', ` ${child.sha1} 6`),
    )
  })

  test('are left alone in a document that does not name the child', () => {
    const text = body('Files:\n 00 1 misc optional b_1.dsc\n')
    expect(withChild(text, child)).toEqual({ ok: true, value: text })
  })

  test('stand in every list or in none', () => {
    const text = body('Files:\n 00 1 misc optional a_1.dsc\nChecksums-Sha1:\n 22 1 other\n')
    expect(withChild(text, child)).toMatchObject({ ok: false, error: { code: 'lists-differ' } })
  })
})

describe('debusine’s fields', () => {
  const fields = { user: 'https://x/-/user/3/', workflow: null, workRequest: 'https://x/w/10/' }
  const made = (text: string, change = {}) =>
    Buffer.from(withDebusineFields(body(text), { ...fields, ...change })).toString()

  test('go to the end, in their order', () => {
    expect(made('Format: 1.8\nÄ: ö\n', { workflow: 'https://x/w/9/' })).toBe(
      'Format: 1.8\nÄ: ö\nDebusine-User: https://x/-/user/3/\nDebusine-Workflow: https://x/w/9/\nDebusine-Work-Request: https://x/w/10/\n',
    )
    expect(made('Format: 1.8\n\n\n')).toBe(
      'Format: 1.8\nDebusine-User: https://x/-/user/3/\nDebusine-Work-Request: https://x/w/10/\n',
    )
  })

  test('that an upload brought along are replaced where they stand or taken out, with all their lines', () => {
    expect(
      made(
        'debusine-USER: evil\n more evil\nFormat: 1.8\nDebusine-Workflow: evil\n evil\nChanges:\n Debusine-User: in a text\n',
      ),
    ).toBe(
      'Debusine-User: https://x/-/user/3/\nFormat: 1.8\nChanges:\n Debusine-User: in a text\nDebusine-Work-Request: https://x/w/10/\n',
    )
  })
})
