import { describe, expect, test } from 'vitest'
import { debsignTaskOf, debusineFieldsOf, indexTaskOf, taskWish } from './upload-task.ts'

const print = 'C3DEB82232D79E3FA44423D42B0FCA85BA911FB9'
const codeOf = (made: { readonly ok: boolean; readonly error?: { readonly code: string } }) =>
  made.ok ? 'ok' : made.error?.code

describe('a Debsign task', () => {
  test('names one upload and one key', () => {
    const request = {
      taskName: 'debsign',
      taskData: { key: print, unsigned: 26 },
      dynamicTaskData: { unsigned_id: 26 },
    }
    expect(debsignTaskOf(request)).toEqual({ ok: true, value: { fingerprint: print, unsignedId: 26 } })
    expect(taskWish(request)).toEqual({ purpose: 'openpgp', fingerprint: print })
  })

  test.each([
    [{ key: print.toLowerCase() }, { unsigned_id: 1 }],
    [{}, { unsigned_id: 1 }],
    [{ key: print }, { unsigned_id: 0 }],
    [{ key: print }, { unsigned_ids: [1] }],
    [{ key: print }, null],
  ])('is malformed otherwise: %j %j', (taskData, dynamicTaskData) => {
    expect(codeOf(debsignTaskOf({ taskData, dynamicTaskData }))).toBe('task-malformed')
  })
})

describe('a SignRepositoryIndex task', () => {
  const taskData = { mode: 'clear', signed_name: 'InRelease', suite_collection: 'forky@debian:suite', unsigned: 33 }
  const dynamicTaskData = { unsigned_id: 33, signing_keys: [print] }

  test('names the index, the suite, the keys and the output', () => {
    expect(indexTaskOf({ taskData, dynamicTaskData })).toEqual({
      ok: true,
      value: {
        fingerprints: [print],
        unsignedId: 33,
        mode: 'clear',
        signedName: 'InRelease',
        suite: 'forky@debian:suite',
      },
    })
  })

  test.each([
    [{ signed_name: '../InRelease' }, {}],
    [{ signed_name: 'a/InRelease' }, {}],
    [{ signed_name: '.hidden' }, {}],
    [{ signed_name: '' }, {}],
    [{ mode: 'binary' }, {}],
    [{ suite_collection: 'forky\u202Eevil' }, {}],
    [{}, { signing_keys: [] }],
    [{}, { signing_keys: [print, print] }],
    [{}, { signing_keys: ['x'] }],
  ])('is malformed otherwise: %j %j', (data, dynamic) => {
    const request = { taskData: { ...taskData, ...data }, dynamicTaskData: { ...dynamicTaskData, ...dynamic } }
    expect(codeOf(indexTaskOf(request))).toBe('task-malformed')
  })
})

describe('the fields that debusine writes into a .changes', () => {
  const raw = (links: unknown) => JSON.stringify({ id: 10, links })
  const links = { webui_self: '/debusine/signing/work-request/10/', webui_created_by: '/-/user/3/' }

  test('are absolute addresses at the server of the request', () => {
    expect(debusineFieldsOf(raw(links), 'https://debusine.example/api')).toEqual({
      user: 'https://debusine.example/-/user/3/',
      workflow: null,
      workRequest: 'https://debusine.example/debusine/signing/work-request/10/',
    })
    expect(
      debusineFieldsOf(raw({ ...links, webui_workflow_root: '/w/9/' }), 'https://debusine.example/api')?.workflow,
    ).toBe('https://debusine.example/w/9/')
  })

  test('are not written where the server gives no links, or some that are none', () => {
    for (const bad of [
      undefined,
      {},
      { ...links, webui_self: 'https://evil.example/' },
      { ...links, webui_self: '/a\nSource: evil' },
    ])
      expect(debusineFieldsOf(raw(bad), 'https://debusine.example/api')).toBeNull()
    // A path of two slashes would be another host.
    expect(
      debusineFieldsOf(raw({ ...links, webui_self: '//evil.example/' }), 'https://debusine.example/api'),
    ).toBeNull()
  })
})
