import { spawnSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Digester } from '../src/main/digest/digester.ts'
import { entryUrl } from '../src/main/digest/entry-url.ts'
import { type HashRange, hashFileRanges } from '../src/main/digest/hash-ranges.ts'
import { authenticodePadding } from '../src/main/signing/pe/authenticode.ts'
import { PeSigner } from '../src/main/signing/pe/pe.signer.ts'
import { maxHeaderBytes, readPeHeaders } from '../src/main/signing/pe/pe-headers.ts'
import { layOut } from '../src/main/signing/pe/pe-layout.ts'
import { buildPe } from '../src/main/signing/pe/testing/pe-builder.ts'
import type { SpooledFile } from '../src/main/signing/signer.ts'
import { localCertificate } from '../src/main/signing/testing/local-certificate.ts'
import { generateLocalKey } from '../src/main/signing/testing/local-key.ts'
import { sha256Hex } from '../src/shared/ids.ts'

// Signs one unified kernel image of half a gigabyte: hashing the file again, its Authenticode digest, and the check of the output, against one
// `openssl dgst -sha256` of the same file, which is the least that anybody can do. One run, one table; exit status 1 when a limit is passed.

const size = 500 * 1024 * 1024
const rounds = 5
const limits = { ratio: 2.0, memoryMb: 64, stallMs: 50 }

const folder = mkdtempSync(join(tmpdir(), 'uki-bench-'))
// The built worker where there is one: run from source, each thread carries a type stripper of its own.
const built = new URL('../out/main/index.js', import.meta.url)
const source = new URL('../src/main/index.ts', import.meta.url)
const worker = entryUrl('hash-worker', (existsSync(built) ? built : source).href)
const digester = new Digester(worker)
try {
  process.exitCode = (await bench()) ? 0 : 1
} finally {
  await digester.close()
  rmSync(folder, { recursive: true, force: true })
}

async function bench(): Promise<boolean> {
  const file = writeUki(join(folder, 'uki.efi'))
  const signer = new PeSigner(digester)
  const key = generateLocalKey('rsa-2048')
  const certificate = localCertificate(key)
  const sign = async (): Promise<void> => {
    const prepared = await signer.prepare(file, certificate, new Date(0))
    if (!prepared.ok) throw new Error(prepared.error.message)
    const verified = await signer.verify(file, prepared.value.assemble(key.sign(prepared.value.request)), certificate)
    if (!verified.ok) throw new Error(verified.error.message)
  }
  // Idle: everything is loaded, no worker was started yet.
  await settle()
  const idle = process.memoryUsage().rss
  let peak = idle
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 5)
  // What main itself works between two turns of its loop: on a busy machine a stall is mostly waiting for a processor.
  let turn = process.threadCpuUsage()
  let longestTurnMs = 0
  const turns = setInterval(() => {
    const { user, system } = process.threadCpuUsage(turn)
    longestTurnMs = Math.max(longestTurnMs, (user + system) / 1000)
    turn = process.threadCpuUsage()
  }, 1)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const ratios: number[] = []
  const stalls: number[] = []
  const lines: string[] = []
  for (let round = 1; round <= rounds; round++) {
    const openssl = timeOpenssl(file.path)
    await settle()
    turn = process.threadCpuUsage()
    delay.reset()
    delay.enable()
    const start = performance.now()
    await sign()
    const ours = performance.now() - start
    delay.disable()
    ratios.push(ours / openssl)
    lines.push(
      `${round}     ${openssl.toFixed(0).padStart(6)} ms  ${ours.toFixed(0).padStart(6)} ms  ${(ours / openssl).toFixed(2)}   ${(delay.max / 1e6).toFixed(1)} ms`,
    )
    stalls.push(delay.max / 1e6)
  }
  clearInterval(sampler)
  clearInterval(turns)
  const ratio = ratios.toSorted((left, right) => left - right)[Math.floor(rounds / 2)] ?? Number.POSITIVE_INFINITY
  const memoryMb = (peak - idle) / 1024 / 1024
  const stallMs = Math.max(...stalls)
  process.stdout.write(
    `One signature of a ${size / 1024 / 1024} MiB image (file hash + Authenticode digest + own verification), by ${worker.pathname.split('/').at(-1)}\n`,
  )
  process.stdout.write(`round  openssl    station   ratio  longest stall of the event loop\n${lines.join('\n')}\n`)
  process.stdout.write(
    `median ratio ${ratio.toFixed(2)} (limit ${limits.ratio.toFixed(1)}), memory above idle ${memoryMb.toFixed(1)} MiB (limit ${limits.memoryMb}), `,
  )
  process.stdout.write(
    `longest stall ${stallMs.toFixed(1)} ms (limit ${limits.stallMs}), main's own longest turn ${longestTurnMs.toFixed(1)} ms\n`,
  )
  return ratio <= limits.ratio && memoryMb <= limits.memoryMb && stallMs <= limits.stallMs
}

function timeOpenssl(path: string): number {
  const start = performance.now()
  const { status } = spawnSync('openssl', ['dgst', '-sha256', path], { stdio: 'ignore' })
  if (status !== 0) throw new Error('openssl dgst failed')
  return performance.now() - start
}

/** Lets timers and the collector come to rest, so that what follows is not charged with what was before. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 200))
}

/** A UKI as ukify lays it out: small text sections, a kernel, and an initrd that makes up nearly all of it. */
function writeUki(path: string): SpooledFile {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)
  const head = buildPe({
    sections: [
      { name: '.osrel', content: text('ID=debian\nVERSION_ID=13\n') },
      { name: '.cmdline', content: text('root=/dev/vda1 quiet') },
      {
        name: '.linux',
        content: buildPe({ sections: [{ name: '.text', content: new Uint8Array(4_000_000).fill(7) }] }),
      },
      { name: '.initrd', content: new Uint8Array(0), virtualSize: size, claimedSize: size },
    ],
  })
  const fd = openSync(path, 'wx', 0o600)
  writeSync(fd, head)
  const block = randomFillSync(Buffer.alloc(1024 * 1024))
  for (let written = 0; written < size; written += block.length)
    writeSync(fd, block, 0, Math.min(block.length, size - written))
  closeSync(fd)
  const total = head.length + size
  const headers = readPeHeaders(head.subarray(0, maxHeaderBytes), total)
  if (!headers.ok) throw new Error(headers.error.message)
  const layout = layOut(headers.value)
  return {
    path,
    size: total,
    sha256: digestOf(path, [{ start: 0, end: total }], 0),
    toBeSigned: digestOf(path, layout.walk, authenticodePadding(layout.contentEnd)),
  }
}

function digestOf(path: string, ranges: readonly HashRange[], zeros: number): SpooledFile['sha256'] {
  const fd = openSync(path, 'r')
  try {
    return sha256Hex.parse(hashFileRanges(fd, ranges, zeros))
  } finally {
    closeSync(fd)
  }
}
