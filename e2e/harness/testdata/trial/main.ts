// The smallest program around the window: what the harness and the adapters are tried with where the product is not built.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { programArguments } from '../../../../src/main/app/program-arguments.ts'
import { createLifecycle, stopOnSignals } from '../../../../src/main/app/lifecycle.ts'
import { exitCodes, whyNotThisNode, whyNotThisUser } from '../../../../src/main/app/refusals.ts'
import { openDesktop } from '../../../../src/main/desktop/open-desktop.ts'
import { claimInstance } from '../../../../src/main/desktop/single-instance.ts'
import { allChannels } from '../../../../src/main/ipc/testing/all-channels.ts'
import { createRouter } from '../../../../src/main/ipc/router.ts'
import { stderrLog } from '../../../../src/main/log/logger.ts'

const log = stderrLog()
const refusal = whyNotThisNode(process.versions) ?? whyNotThisUser(process.getuid?.(), process.geteuid?.())
if (refusal !== null) {
  process.stderr.write(`${refusal}\n`)
  process.exit(exitCodes.refused)
}
const profile = programArguments(process)[1] ?? ''
const runtimeDir = join(process.env['XDG_RUNTIME_DIR'] || profile, 'station')
mkdirSync(runtimeDir, { recursive: true, mode: 0o700 })
const instance = await claimInstance(join(runtimeDir, 'instance.sock'))
if (!instance.ok) {
  process.stderr.write(`${instance.error.message}\n`)
  process.exit(exitCodes.alreadyRunning)
}
const lifecycle = createLifecycle(log)
lifecycle.started('instance', () => instance.value.release())
const router = createRouter(allChannels(), log)
const here = import.meta.dirname
const desktop = await openDesktop({
  title: 'Signing Station',
  rendererDir: join(here, '../renderer'),
  preloadFile: join(here, '../preload/index.cjs'),
  runtimeDir,
  devServerUrl: null,
  onMessage: router.onMessage,
  log,
})
if (!desktop.ok) {
  process.stderr.write(`${desktop.error.message}\n${desktop.error.detail}\n`)
  process.exit(exitCodes.noWindow)
}
lifecycle.started('router', () => router.stop())
lifecycle.started('window', () => desktop.value.close())
instance.value.onSecondStart(() => {
  log('instance.shown')
  desktop.value.focus()
})
stopOnSignals(process, () => void desktop.value.close())
desktop.value.publish('tokens.changed', null)
const reason = await desktop.value.closed
await lifecycle.stop()
log('program.ended', { reason })
process.exit(reason === 'crash' ? exitCodes.defect : 0)
