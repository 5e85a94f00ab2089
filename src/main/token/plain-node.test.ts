import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { softHsmModule } from './testing/soft-token.ts'
import { TokenBench } from './testing/token-bench.ts'

describe.skipIf(softHsmModule() === null)('a token process (needs SoftHSM: apt-get install softhsm2)', () => {
  let bench: TokenBench
  beforeAll(async () => {
    bench = await TokenBench.make([{ label: 'one', pin: '314159', keys: [] }])
  })
  afterAll(() => bench.dispose())

  /** Stands for an executable: Node, which loads something first. */
  function node(name: string, first: string): string {
    const path = join(bench.directory, name)
    writeFileSync(`${path}.mjs`, first)
    writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '--import=${path}.mjs' "$@"\n`, { mode: 0o755 })
    return path
  }

  test('in Electron’s own executable loads no module: the module would meet another library of cryptography', async () => {
    const electron = `Object.defineProperty(process, 'versions', { value: { ...process.versions, electron: '38.0.0' } })`
    const { modules, tokens } = await bench.service({ node: node('electron', electron) }).list({ refresh: false })
    expect(tokens).toEqual([])
    expect(modules).toMatchObject([
      { problem: { code: 'module-not-loadable', detail: expect.stringContaining('Electron') } },
    ])
    const plain = await bench.service({ node: node('plain', '') }).list({ refresh: false })
    expect(plain.tokens.map(({ token }) => token.label)).toEqual(['one'])
  })
})
