import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRendererFiles, type RendererRequest, type Verdict } from './renderer-files.ts'

let base: string
let answer: (request: RendererRequest) => Promise<Verdict>

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'renderer-'))
  mkdirSync(join(base, 'renderer', 'assets'), { recursive: true })
  mkdirSync(join(base, 'renderer-evil'))
  writeFileSync(join(base, 'renderer', 'index.html'), '<!doctype html>')
  writeFileSync(join(base, 'renderer', 'assets', 'a.js'), 'export {}')
  writeFileSync(join(base, 'secret.json'), '{}')
  writeFileSync(join(base, 'renderer-evil', 'a.js'), '')
  writeFileSync(join(base, 'renderer', 'notes.txt'), 'not for the window')
  symlinkSync(join(base, 'secret.json'), join(base, 'renderer', 'link.json'))
  answer = createRendererFiles(join(base, 'renderer'), null)
})

afterAll(() => rmSync(base, { recursive: true }))

function request(url: string, changed: Partial<RendererRequest> = {}): RendererRequest {
  return { url, method: 'GET', isDocument: false, isMainFrame: true, ...changed }
}

async function statusOf(path: string): Promise<number | string> {
  const verdict = await answer(request(`https://station.invalid${path}`))
  return verdict.kind === 'serve' ? verdict.response.status : verdict.kind
}

describe('files for the window', () => {
  it('are those of the renderer folder, with the policy on each', async () => {
    const verdict = await answer(request('https://station.invalid/', { isDocument: true }))
    expect(verdict).toMatchObject({
      kind: 'serve',
      response: {
        status: 200,
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': expect.stringMatching(
            /^default-src 'none'; script-src 'self'; .*require-trusted-types-for 'script'$/,
          ),
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
        },
      },
    })
    expect(await statusOf('/assets/a.js?x=1#y')).toBe(200)
  })

  it('never allow what is inline or evaluated', async () => {
    const verdict = await answer(request('https://station.invalid/nothing.js'))
    if (verdict.kind !== 'serve') throw new Error('refused')
    expect(verdict.response.headers['content-security-policy']).not.toMatch(/unsafe|data:|blob:|\*|http/)
  })

  it.each([
    '/../secret.json',
    '/%2e%2e/secret.json',
    '/%2f..%2fsecret.json',
    '/..%2fsecret.json',
    '/assets/..%2f..%2fsecret.json',
    '/..%2frenderer-evil%2fa.js',
    '/link.json',
    '/%00.json',
    '/%zz.json',
    '/assets',
    '/assets/',
    '/notes.txt',
    '//etc/passwd.json',
    `/${'a'.repeat(5000)}.js`,
  ])('are not reached by %s', async (path) => {
    expect(await statusOf(path)).toBe(404)
  })

  it.each([
    ['https://station.invalid.evil.example/', 'block'],
    ['https://station.invalid:8443/', 'block'],
    ['https://user@station.invalid/', 'block'],
    ['http://station.invalid/', 'block'],
    ['file:///etc/passwd', 'block'],
    ['nonsense', 'block'],
  ])('are not what %s names', async (url, kind) => {
    expect(await answer(request(url))).toEqual({ kind })
    expect(await answer(request(url, { isDocument: true }))).toEqual({ kind: 'stay' })
  })

  it('replace no document but the station’s own page in its own frame', async () => {
    expect(await answer(request('https://station.invalid/assets/a.js', { isDocument: true }))).toEqual({ kind: 'stay' })
    expect(await answer(request('https://station.invalid/', { isDocument: true, isMainFrame: false }))).toEqual({
      kind: 'stay',
    })
    expect(await answer(request('https://station.invalid/', { isDocument: true, method: 'POST' }))).toEqual({
      kind: 'stay',
    })
    expect(await answer(request('https://station.invalid/assets/a.js', { method: 'POST' }))).toEqual({ kind: 'block' })
  })
})
