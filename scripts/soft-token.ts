// Makes SoftHSM tokens with keys and certificates, for trying the station out, for the demo and for tests.
//
//   node scripts/soft-token.ts --dir DIR [--label LABEL --pin PIN [--key rsa-4096 [--cert-cn CN]]…]…
//
// `--label` begins a token, `--key` a key in it, `--cert-cn` gives that key a self-signed certificate that it signs itself.
// Prints JSON: module, SOFTHSM2_CONF, and for each token its identity and keys with their certificates.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeSoftToken, type SoftKeySpec, type SoftTokenSpec } from '../src/main/token/testing/soft-token.ts'

export { makeSoftToken, softHsmModule } from '../src/main/token/testing/soft-token.ts'

const algorithms = ['rsa-2048', 'rsa-3072', 'rsa-4096', 'ec-p256', 'ec-p384', 'ed25519'] as const

type Draft = { label: string; pin: string; keys: SoftKeySpec[] }

/** The arguments as tokens to make; an exception says what is wrong with them. */
export function parseSoftTokenArguments(args: readonly string[]): { directory: string; tokens: SoftTokenSpec[] } {
  const { tokens: words } = parseArgs({
    args: [...args],
    options: {
      dir: { type: 'string' },
      label: { type: 'string' },
      pin: { type: 'string' },
      key: { type: 'string' },
      'cert-cn': { type: 'string' },
    },
    tokens: true,
  })
  let directory: string | null = null
  const drafts: Draft[] = []
  for (const word of words) {
    if (word.kind !== 'option') continue
    const { name, value } = word
    if (name === 'dir') directory = resolve(value)
    else if (name === 'label') drafts.push({ label: value, pin: '123456', keys: [] })
    else apply(name, value, drafts)
  }
  if (directory === null) throw new Error('--dir is missing')
  const first: Draft = {
    label: 'signing-station',
    pin: '123456',
    keys: [{ algorithm: 'rsa-4096', commonName: 'Signing Station test key' }],
  }
  return { directory, tokens: drafts.length === 0 ? [first] : drafts }
}

function apply(name: string, value: string, drafts: Draft[]): void {
  const draft = drafts.at(-1)
  if (draft === undefined) throw new Error(`--${name} comes after the --label of its token`)
  if (name === 'pin') {
    draft.pin = value
    return
  }
  if (name === 'key') {
    const algorithm = algorithms.find((known) => known === value)
    if (algorithm === undefined) throw new Error(`--key is one of ${algorithms.join(', ')}`)
    draft.keys.push({ algorithm })
    return
  }
  const key = draft.keys.pop()
  if (key === undefined) throw new Error('--cert-cn comes after its --key')
  draft.keys.push({ ...key, commonName: value })
}

if (import.meta.main) {
  const made = await makeSoftToken(parseSoftTokenArguments(process.argv.slice(2)))
  process.stdout.write(`${JSON.stringify(made, null, 2)}\n`)
}
