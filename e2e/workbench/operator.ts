import { expect, type Page } from '@playwright/test'
import type { RequestDetail, RequestSummary } from '../../src/shared/request.ts'

/** The operator's hands for tests that are not about the screens: the same calls that the screens make, from inside the window. */

export function listInHand(page: Page): Promise<readonly RequestSummary[]> {
  return page.evaluate(async () => {
    const listed = await window.station.requestsList({ view: 'in-hand', search: null, cursor: null, limit: 100 })
    if (!listed.ok) throw new Error(listed.error.message)
    return listed.value.rows
  })
}

export function listDone(page: Page): Promise<readonly RequestSummary[]> {
  return page.evaluate(async () => {
    const listed = await window.station.requestsList({ view: 'done', search: null, cursor: null, limit: 100 })
    if (!listed.ok) throw new Error(listed.error.message)
    return listed.value.rows
  })
}

export function showDetail(page: Page, requestId: string): Promise<RequestDetail> {
  return page.evaluate(async (id) => {
    const shown = await window.station.requestsShow({ requestId: id as never }) // branded in the contract, a string here
    if (!shown.ok) throw new Error(shown.error.message)
    return shown.value
  }, requestId)
}

/** Waits until some request, in hand or done, is at one of the stages. */
export async function waitForStage(page: Page, stages: readonly RequestSummary['stage'][]): Promise<RequestSummary> {
  const look = async () =>
    [...(await listInHand(page)), ...(await listDone(page))].find((row) => stages.includes(row.stage)) ?? null
  await expect.poll(look, { timeout: 30_000, intervals: [100] }).not.toBeNull()
  const row = await look()
  return row ?? waitForStage(page, stages)
}

export type Refusal = { readonly code: string; readonly message: string } | null

/** Opens the sheet and approves it with every acknowledgement that it wants. Null: approved. */
export function approve(page: Page, detail: RequestDetail, pin: string | null): Promise<Refusal> {
  const input = {
    requestId: detail.summary.id,
    sheetDigest: detail.sheetDigest,
    acknowledged: detail.approvability?.kind === 'approvable' ? detail.approvability.acknowledge : [],
    pin,
  }
  return page.evaluate(async ({ requestId, sheetDigest, acknowledged, pin }) => {
    if (sheetDigest === null) return { code: 'no-sheet', message: 'there is no sheet' }
    const opened = await window.station.reviewOpen({ requestId, sheetDigest })
    if (!opened.ok) return { code: opened.error.code, message: opened.error.message }
    const approved = await window.station.reviewApprove({
      requestId,
      sheetDigest,
      acknowledged,
      pin,
      useLastTry: false,
    })
    return approved.ok ? null : { code: approved.error.code, message: approved.error.message }
  }, input)
}

export async function approveNext(
  page: Page,
  pin: string,
): Promise<{ readonly detail: RequestDetail; readonly refusal: Refusal }> {
  const row = await waitForStage(page, ['review'])
  const detail = await showDetail(page, row.id)
  return { detail, refusal: await approve(page, detail, pin) }
}
