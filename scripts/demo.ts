// `npm run demo`: the main job on this machine alone. A sandbox server that speaks debusine's protocol, a soft token, EFI binaries out
// of Debian's packages, and the built program in its real window. With a display the window is the operator's; without one a guided
// tour plays the operator, says what it did, and keeps screenshots. Where SoftHSM is not installed, or with `--software-key`, the key is
// one that the station makes itself.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { attach } from '../e2e/harness/fixtures.ts'
import { makeFolders, removeFolders, type StationProcess, startStation } from '../e2e/harness/station-process.ts'
import { addScenario, type ScenarioFile, type ScenarioName } from '../e2e/sandbox-server/scenarios.ts'
import { type DemoBench, makeDemoBench } from '../e2e/workbench/demo-bench.ts'
import { personAt } from '../e2e/workbench/person.ts'
import { fetchEfiFiles } from './efi-files.ts'

const tour = process.env['STATION_DEMO'] === 'tour' || process.argv.includes('--tour')
const output = process.env['STATION_DEMO_OUTPUT'] ?? join(import.meta.dirname, '..', 'demo-output')
const say = (line: string) => void process.stdout.write(`${line}\n`)

/** Real boot loaders, smallest first: fwupd, systemd-boot, shim's helpers. */
async function efiFiles(): Promise<readonly ScenarioFile[]> {
  const { files, missing } = await fetchEfiFiles()
  const wanted = ['fwupdx64.efi', 'systemd-bootx64.efi', 'fbx64.efi', 'mmx64.efi', 'shimx64.efi']
  const found = wanted.flatMap((name) => files.filter((file) => file.name === name).slice(0, 1))
  if (found.length < 2)
    throw new Error(
      `EFI binaries could not be fetched from Debian: ${missing.map((each) => `${each.package}: ${each.reason}`).join('; ')}`,
    )
  return found
}

function request(bench: DemoBench, files: readonly ScenarioFile[], name: ScenarioName): Promise<number> {
  return addScenario(bench.server, name, { fingerprint: bench.key.fingerprint, files })
}

async function completed(bench: DemoBench, id: number): Promise<string> {
  while (bench.server.workRequest(id)?.status !== 'completed') await new Promise((resolve) => setTimeout(resolve, 100))
  return bench.server.workRequest(id)?.result ?? ''
}

/** What tools say that share nothing with the station. */
async function verdicts(bench: DemoBench, id: number, files: readonly ScenarioFile[], folder: string): Promise<void> {
  const certificate = join(folder, 'signer.pem')
  writeFileSync(certificate, bench.key.certificatePem)
  for (const artifact of await bench.server.outputs(id)) {
    for (const file of artifact.files.filter(({ path }) => path.endsWith('.sig'))) {
      const source = files.find(({ name }) => file.path.endsWith(`${name}.sig`))
      if (source === undefined) continue
      const signature = join(folder, `${source.name}.sig`)
      writeFileSync(signature, file.bytes)
      const said = execFileSync('/usr/bin/sbverify', ['--cert', certificate, '--detached', signature, source.path], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      say(`  sbverify on ${source.name} (${source.package} ${source.version}): ${said.trim()}`)
    }
  }
}

async function printLog(page: Page): Promise<void> {
  const rows = await page.evaluate(async () => {
    const listed = await window.station.auditList({ source: 'station', filter: {}, cursor: null, skip: 0, limit: 500 })
    return listed.ok ? listed.value.rows.map(({ seq, event, summary }) => ({ seq, event, summary })) : []
  })
  say(`\nAudit log, ${rows.length} entries:`)
  for (const row of rows.sort((a, b) => a.seq - b.seq))
    say(`  ${String(row.seq).padStart(3)}  ${row.event.padEnd(22)} ${row.summary}`)
}

async function guidedTour(
  bench: DemoBench,
  files: readonly ScenarioFile[],
  station: StationProcess,
  folder: string,
): Promise<void> {
  mkdirSync(output, { recursive: true })
  const { page } = await attach(station)
  await page.setViewportSize({ width: 1400, height: 900 })
  const person = personAt(page)
  let shot = 0
  const picture = async (name: string) => {
    shot += 1
    await page.screenshot({ path: join(output, `${String(shot).padStart(2, '0')}-${name}.png`) })
  }
  say(
    `\n1. Set the station up: create it, enter the server, enrol, ${bench.pin === null ? 'make a software test key' : 'register the token’s key'}, go on duty.`,
  )
  await picture('first-start')
  await bench.setUp(page, person)
  await person.go('Keys & tokens')
  await picture('keys')

  say(
    `\n2. A request for two boot loaders arrives. Review it, acknowledge what wants it, approve${bench.pin === null ? '' : ' with the PIN'}.`,
  )
  const fine = await request(bench, files, 'fine')
  await person.openFirst()
  await picture('review')
  await person.approve(bench.pin)
  say(`  the server has it as: ${await completed(bench, fine)}`)
  await picture('signed')
  await verdicts(bench, fine, files, folder)

  say(
    '\n3. A request whose files trust a certificate that this station does not know. It cannot be approved; decline it.',
  )
  const untrusted = await request(bench, files, 'untrusted-certificate')
  await person.openFirst()
  await picture('untrusted-certificate')
  await person.decline('The files trust a certificate that is not ours.')
  say(`  the server has it as: ${await completed(bench, untrusted)}`)

  say('\n4. A request of somebody whom the server does not permit to use this key. Refused; decline it.')
  const forbidden = await request(bench, files, 'no-permission')
  await person.openFirst()
  await picture('no-permission')
  await person.decline('Not permitted by the server.')
  say(`  the server has it as: ${await completed(bench, forbidden)}`)

  say('\n5. A PE file whose layout two verifiers would read differently. Never signed; decline it.')
  const malformed = await request(bench, files, 'malformed-pe')
  await person.openFirst()
  await picture('malformed')
  await person.decline('Malformed image.')
  say(`  the server has it as: ${await completed(bench, malformed)}`)

  await person.go('Audit log')
  await picture('audit-log')
  await printLog(page)
  if (bench.server.record.violations.length > 0)
    throw new Error(`the sandbox saw violations of the protocol: ${JSON.stringify(bench.server.record.violations)}`)
  say(`\nScreenshots: ${output}`)
}

async function ownWindow(
  bench: DemoBench,
  files: readonly ScenarioFile[],
  folders: Parameters<typeof startStation>[0]['folders'],
): Promise<void> {
  // The set-up is done beforehand, in a window that nobody sees, by the same clicks that a custodian makes.
  const hidden = startStation({ window: 'chromium', folders, env: { ...bench.env, SIGNING_STATION_HEADLESS: '1' } })
  const { page } = await attach(hidden)
  await bench.setUp(page, personAt(page))
  hidden.kill('SIGTERM')
  await hidden.exit
  for (const name of ['fine', 'untrusted-certificate', 'no-permission', 'malformed-pe', 'forty-files', 'fine'] as const)
    await request(bench, files, name)
  say(`\nThe window opens now. ${bench.pin === null ? 'The key has no PIN.' : `PIN of the token: ${bench.pin}`}`)
  say(
    'Six requests come one after another: two to sign, three that should be declined, one of forty files. Close the window to end.',
  )
  const station = startStation({ window: 'chromium', folders, env: bench.env })
  const { code } = await station.exit
  if (code !== 0) throw new Error(`the station ended with exit code ${code}:\n${station.log().slice(-4000)}`)
}

if (!existsSync('/usr/bin/sbverify') && tour) throw new Error('sbverify is missing (Debian package sbsigntool)')
say('Signing Station, demonstration. Everything is made for this run and removed afterwards.')
const folders = makeFolders()
let bench: DemoBench | null = null
let station: StationProcess | null = null
try {
  const files = await efiFiles()
  say(`EFI binaries from Debian: ${files.map((file) => `${file.name} (${file.package} ${file.version})`).join(', ')}`)
  bench = await makeDemoBench(folders, process.argv.includes('--software-key'))
  say(`Sandbox server: ${bench.server.apiUrl} (speaks debusine 0.16).`)
  say(
    bench.pin === null
      ? 'No soft token: the station makes itself a test key in software. Install softhsm2 to see the way with a token and a PIN.'
      : `Token: SoftHSM, PIN ${bench.pin}.`,
  )
  if (tour) {
    station = startStation({ window: 'chromium', folders, env: bench.env })
    await guidedTour(bench, files, station, folders.base)
    station.kill('SIGTERM')
    const { code } = await station.exit
    if (code !== 0) throw new Error(`the station ended with exit code ${code}`)
    say('The station ended with exit code 0.')
  } else {
    await ownWindow(bench, files, folders)
  }
} catch (error) {
  say(`The demonstration failed: ${error instanceof Error ? error.message : String(error)}`)
  if (station !== null) say(station.log().slice(-4000))
  process.exitCode = 1
} finally {
  if (station !== null && !station.ended()) {
    station.kill('SIGKILL')
    await station.exit
  }
  await bench?.stop()
  removeFolders(folders)
}
