import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unpackPackages } from '../../scripts/debian-packages.ts'
import { scenario } from './guest/scenario.ts'
import type { Figure, Given } from './guest/world.ts'
import { type GuestRun, runGuest, whyNoMachine } from './machine.ts'

// The scenario runs once, in a machine of its own; each test here is one of its steps, as the machine told of it. What is missing on
// this machine is a failure, not a skip: whoever asked for `npm run test:usb` wants it run.

/** Everything that the guest says is kept here. */
const folder = join(import.meta.dirname, '..', '..', 'test-results', 'usb')
/** Six and a half minutes on two cores with a load of 25. */
const limitMs = 12 * 60_000

/** The YubiHSM's software, which Debian 12 does not have and runs; the connector apart, because its udev rule is installed with it. */
const vendor = [
  'yubihsm-shell',
  'yubihsm-pkcs11',
  'libyubihsm2',
  'libyubihsm-http2',
  'libyubihsm-usb2',
  'libykhsmauth2',
]
const connector = 'yubihsm-connector'

type Told = { readonly title: string; readonly ms: number; readonly problem: string | null }

let run: GuestRun | null = null
beforeAll(async () => {
  const why = whyNoMachine()
  if (why !== null) throw new Error(why)
  const unpacked = await unpackPackages('trixie', [...vendor, connector])
  if (!unpacked.ok) throw new Error(unpacked.error)
  const root = (name: string) => unpacked.value.get(name) ?? ''
  const given: Given = { vendor: vendor.map(root), connector: [root(connector)] }
  process.stdout.write(`The guest's logs are in ${folder}\n`)
  run = await runGuest(folder, limitMs, given)
})

afterAll(() => {
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1).padStart(6)} s`
  const lines = [
    ...steps().map(({ title, ms, problem }) => `${seconds(ms)}  ${problem === null ? 'ok     ' : 'FAILED '}${title}`),
    ...figures().map(({ name, ms }) => `${String(ms).padStart(6)} ms ${name}`),
    `${seconds((run?.seconds ?? 0) * 1000)}  from the start of the machine (Linux ${run?.release ?? 'none'}) to its end; logs in ${folder}`,
  ]
  process.stdout.write(`\n${lines.join('\n')}\n`)
})

describe('on a real USB stack', () => {
  it.each(scenario.map(({ title }) => title))('%s', (title) => {
    const told = steps().find((one) => one.title === title)
    expect(told, `the machine did not come so far (${lastWords()})`).toBeDefined()
    expect(told?.problem).toBeNull()
  })

  it('ends in order', () => {
    expect(run?.code, lastWords()).toBe(0)
  })
})

function steps(): readonly Told[] {
  const file = join(folder, 'steps.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Told) // our own program's
}

function figures(): readonly Figure[] {
  const file = join(folder, 'figures.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Figure[]) : []
}

function lastWords(): string {
  const failed = steps().find(({ problem }) => problem !== null)
  if (failed !== undefined) return `“${failed.title}” failed`
  return ['scenario.log', 'console.log']
    .map((name) => join(folder, name))
    .filter(existsSync)
    .map((file) => readFileSync(file, 'utf8').trim().split('\n').slice(-5).join('\n'))
    .join('\n')
}
