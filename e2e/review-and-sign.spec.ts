import { readFileSync } from 'node:fs'
import { expect } from '@playwright/test'
import { test as base } from './harness/fixtures.ts'
import { goOnDuty, makeWorkbench, setUpStation, type Workbench } from './workbench/workbench.ts'

const test = base.extend<{ bench: Workbench; stationEnv: Record<string, string> }>({
  bench: async ({ folders }, use) => {
    const bench = await makeWorkbench({ folders })
    await use(bench)
    await bench.stop()
  },
  stationEnv: async ({ bench }, use) => {
    await use({ ...bench.env })
  },
})

test('a request is reviewed, approved and signed', async ({ app, page, bench }) => {
  await setUpStation(page, bench)
  await goOnDuty(page)
  const [key] = bench.keys
  const id = await bench.server.addSignRequest({
    fingerprint: key?.fingerprint ?? '',
    files: [{ name: 'fwupd/fwupdx64.efi', bytes: readFileSync('/tmp/bg/shim/x/usr/lib/shim/fbx64.efi') }],
    binaryPackageName: 'shim',
    trustedCerts: [],
  })
  await expect.poll(async () => page.evaluate(async () => {
    const l = await window.station.requestsList({ view: 'in-hand', search: null, cursor: null, limit: 10 })
    return l.ok ? l.value.rows[0]?.stage : l.error.message
  }), { timeout: 20000 }).toBe('review')
  const detail = await page.evaluate(async () => {
    const l = await window.station.requestsList({ view: 'in-hand', search: null, cursor: null, limit: 10 })
    if (!l.ok || !l.value.rows[0]) throw new Error('x')
    return window.station.requestsShow({ requestId: l.value.rows[0].id })
  })
  console.log(JSON.stringify(detail, null, 1).slice(0, 6000))
  await page.screenshot({ path: '/tmp/bg/s1.png' })
  const r = await page.evaluate(async ({ d, pin }) => {
    const o = await window.station.reviewOpen({ requestId: d.id, sheetDigest: d.digest })
    const a = await window.station.reviewApprove({ requestId: d.id, sheetDigest: d.digest, acknowledged: d.ack, pin, useLastTry: false })
    return [o, a]
  }, { d: { id: detail.value.summary.id, digest: detail.value.sheetDigest, ack: detail.value.approvability.acknowledge ?? [] }, pin: bench.pin })
  console.log(JSON.stringify(r))
  await expect.poll(() => bench.server.workRequest(id)?.status, { timeout: 20000 }).toBe('completed')
  console.log(bench.server.workRequest(id)?.result, JSON.stringify((await bench.server.outputs(id)).map(o => [o.category, o.data, o.files.map(f => [f.path, f.bytes.length]), o.relations])))
  console.log(app.log().slice(-3000))
})
