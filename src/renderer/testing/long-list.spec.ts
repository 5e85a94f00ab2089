import { expect, type Locator, type Page, test } from '@playwright/test'

// An audit log of a million entries is 36,000,000 px of rows, and Chromium cuts every element off at 33,554,428 px.

const many = 1_000_000

async function openList(page: Page, rows = many): Promise<Locator> {
  await page.goto(`/testing/long-list.html?rows=${rows}`)
  const grid = page.getByRole('grid', { name: 'Long list' })
  await expect(grid.getByRole('row').nth(1)).toBeVisible()
  return grid
}

/** Numbers of the rows in full sight, counted from 1, and whether each is 36 px below the one before and says its own number. */
function inSight(grid: Locator): Promise<{ readonly numbers: readonly number[]; readonly inOrder: boolean }> {
  return grid.evaluate((scroller) => {
    const frame = scroller.getBoundingClientRect()
    const rows = [...scroller.querySelectorAll('.vgrid-row')]
      .map((row) => ({ number: Number(row.getAttribute('aria-rowindex')) - 1, box: row.getBoundingClientRect(), row }))
      .filter(({ box }) => box.top >= frame.top + 34 && box.bottom <= frame.bottom)
    return {
      numbers: rows.map(({ number }) => number),
      inOrder: rows.every(
        ({ number, box, row }, index) =>
          row.querySelector('[role=gridcell]')?.textContent === String(number) &&
          (index === 0 || Math.abs(box.top - (rows[index - 1]?.box.bottom ?? 0)) < 0.1),
      ),
    }
  })
}

const topOfRow = (grid: Locator, number: number) =>
  grid.locator(`[aria-rowindex="${number + 1}"]`).evaluate((row) => row.getBoundingClientRect().top)

test('Chromium does cut an element off before a million rows of 36 px end', async ({ page }) => {
  await openList(page, 10)
  const height = await page.evaluate(() => {
    const tall = document.createElement('div')
    tall.style.height = '36000000px'
    document.body.append(tall)
    return tall.getBoundingClientRect().height
  })
  expect(height).toBeLessThan(36_000_000)
})

test('a list of a million rows is as tall as it says it is, and few of its rows exist', async ({ page }) => {
  const grid = await openList(page)
  const [said, is] = await grid
    .locator('.vgrid-body')
    .evaluate((body) => [Number.parseFloat((body as HTMLElement).style.height), body.getBoundingClientRect().height])
  expect(is).toBe(said)
  await expect(grid).toHaveAttribute('aria-rowcount', String(many + 1))
  expect(await grid.getByRole('row').count()).toBeLessThan(80)
})

test('End, Home and the pages between reach the rows of a list of a million', async ({ page }) => {
  const grid = await openList(page)
  await grid.focus()
  const active = () => grid.evaluate((scroller) => scroller.getAttribute('aria-activedescendant') ?? '')
  const activeRow = async () => page.locator(`[id="${await active()}"]`)
  await page.keyboard.press('End')
  await expect(grid.getByRole('row').last()).toHaveAttribute('aria-rowindex', String(many + 1))
  await expect(await activeRow()).toBeInViewport({ ratio: 1 })
  await expect(await activeRow()).toHaveAttribute('aria-rowindex', String(many + 1))
  for (let presses = 1; presses <= 25; presses += 1) {
    await page.keyboard.press('ArrowUp')
    await expect(await activeRow()).toHaveAttribute('aria-rowindex', String(many + 1 - presses))
    await expect(await activeRow()).toBeInViewport({ ratio: 1 })
  }
  await page.keyboard.press('Enter')
  await expect(page.getByText(`opened ${many - 25}`)).toBeVisible()
  await page.keyboard.press('PageUp')
  await expect(await activeRow()).toBeInViewport({ ratio: 1 })
  await page.keyboard.press('Home')
  await expect(await activeRow()).toHaveAttribute('aria-rowindex', '2')
  await expect(await activeRow()).toBeInViewport({ ratio: 1 })
  expect((await inSight(grid)).numbers[0]).toBe(1)
  await expect(grid).toBeFocused()
})

test('the scroll bar of a list of a million rows leads to its middle and its very end', async ({ page }) => {
  const grid = await openList(page)
  const pull = (part: number) =>
    grid.evaluate(
      (scroller, to) => scroller.scrollTo({ top: to * (scroller.scrollHeight - scroller.clientHeight) }),
      part,
    )
  await pull(1)
  await expect.poll(async () => (await inSight(grid)).numbers.at(-1)).toBe(many)
  expect((await inSight(grid)).inOrder).toBe(true)
  await pull(0.5)
  await expect.poll(async () => Math.abs(((await inSight(grid)).numbers[0] ?? 0) - many / 2)).toBeLessThan(100)
  expect((await inSight(grid)).inOrder).toBe(true)
  await pull(0)
  await expect.poll(async () => (await inSight(grid)).numbers[0]).toBe(1)
  // A row that is clicked is the row that opens.
  await pull(0.5)
  await expect.poll(async () => (await inSight(grid)).numbers[0]).toBeGreaterThan(1000)
  const chosen = (await inSight(grid)).numbers[3] ?? 0
  await grid.getByText(`event ${chosen}`, { exact: true }).click()
  await expect(page.getByText(`opened ${chosen}`)).toBeVisible()
})

test('a wheel moves a list of a million rows by its own pixels, in the middle and towards the end', async ({
  page,
}) => {
  const grid = await openList(page)
  for (const part of [0.5, 0.9995]) {
    await grid.evaluate(
      (scroller, to) => scroller.scrollTo({ top: Math.round(to * (scroller.scrollHeight - scroller.clientHeight)) }),
      part,
    )
    await expect.poll(async () => (await inSight(grid)).numbers[0]).toBeGreaterThan(1000)
    for (let notch = 0; notch < 5; notch += 1) {
      const sight = await inSight(grid)
      const kept = sight.numbers.at(-1) ?? 0
      const before = await topOfRow(grid, kept)
      await grid.evaluate((scroller) => scroller.scrollBy({ top: 120 }))
      await expect.poll(async () => topOfRow(grid, kept)).toBeCloseTo(before - 120, 0)
      // Three rows and a third.
      const on = ((await inSight(grid)).numbers[0] ?? 0) - (sight.numbers[0] ?? 0)
      expect([3, 4]).toContain(on)
      expect((await inSight(grid)).inOrder).toBe(true)
    }
  }
})

test('a leap draws only what is in sight, and what is around it follows', async ({ page }) => {
  const grid = await openList(page, 10_000)
  const drawn = () => grid.locator('.vgrid-row').count()
  const rested = await drawn()
  const leaping = await grid.evaluate(
    (scroller) =>
      new Promise<number>((resolve) => {
        const counts: number[] = []
        const frame = () => {
          counts.push(scroller.querySelectorAll('.vgrid-row').length)
          scroller.scrollTop += 2 * scroller.clientHeight
          if (counts.length < 20) requestAnimationFrame(frame)
          else resolve(counts.at(-1) ?? 0)
        }
        requestAnimationFrame(frame)
      }),
  )
  expect(leaping).toBeLessThan(rested)
  expect((await inSight(grid)).inOrder).toBe(true)
  await expect.poll(drawn).toBeGreaterThan(leaping + 10)
})
