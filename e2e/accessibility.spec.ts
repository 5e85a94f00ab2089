import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page } from '@playwright/test'
import { test } from './harness/fixtures.ts'
import { type Package, screenNames, showEveryScreen } from './workbench/every-screen.ts'
import { buildPe } from './workbench/pe-files.ts'
import { makeWorkbench } from './workbench/workbench.ts'

/**
 * Puts the window into a theme. A new preference reaches the page's colours some frames later; what is out of sight keeps the
 * colours before, unseen, until it is drawn: so all of it is drawn first.
 */
async function inTheme(page: Page, theme: 'light' | 'dark'): Promise<void> {
  await page.evaluate(() => {
    const drawn = new CSSStyleSheet()
    drawn.replaceSync('.file { content-visibility: visible !important }')
    document.adoptedStyleSheets = [drawn]
  })
  await severalFrames(page)
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
  await severalFrames(page)
}

async function severalFrames(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (let frame = 0; frame < 4; frame += 1) await new Promise(requestAnimationFrame)
  })
}

/** What axe objects to. It comes into the window over the debugging pipe: the page's policy lets no script in, and need not. */
async function objections(page: Page): Promise<readonly string[]> {
  // Legacy mode asks for no second page, which this window would close at once.
  // The announcer's elements are React Aria's: each refers for seconds to something that may be gone by then.
  const { violations, passes } = await new AxeBuilder({ page })
    .setLegacyMode()
    .exclude('[data-live-announcer]')
    .analyze()
  expect(passes.length, 'axe looked at the page').toBeGreaterThan(5)
  return violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map((node) => `${node.html.slice(0, 120)} (${node.any[0]?.message ?? ''})`).join(' | ')}`,
  )
}

function pack(name: string, first: number, count: number): Package {
  return {
    name,
    source: name,
    architecture: 'amd64',
    version: `1.${first}`,
    workspace: 'secure-boot',
    files: Array.from({ length: count }, (_, index) => ({
      name: `${name}/usr/lib/${name}-${index}.efi`,
      bytes: buildPe(first + index),
    })),
  }
}

/** A PE header that is said to lie behind the end of the file. */
function malformed(): Uint8Array {
  const bytes = Buffer.from(buildPe(900))
  bytes.writeUInt32LE(0x7fff_ff00, 0x3c)
  return bytes
}

const softly = expect.configure({ soft: true, timeout: 20_000 })

test('axe objects to nothing on any screen, in either theme', async ({ folders, windowKind }) => {
  test.skip(windowKind !== 'chromium', 'the renderer is the same bundle in every window; one look at it is enough')
  test.setTimeout(900_000)
  const bench = await makeWorkbench({ folders })
  const seen: string[] = []
  try {
    await showEveryScreen({
      folders,
      bench,
      earlier: [pack('fwupd', 100, 1), pack('shim', 110, 2)],
      reviewed: pack('systemd-boot', 120, 3),
      many: pack('grub', 200, 16),
      refused: pack('refind', 300, 1),
      malformed: { name: 'refind/usr/lib/malformed.efi', bytes: malformed() },
      crowd: pack('drivers', 400, 200),
      waiting: [pack('memtest', 800, 1)],
      async visit(name, page) {
        seen.push(name)
        for (const theme of ['light', 'dark'] as const) {
          await inTheme(page, theme)
          // A page that is still changing is asked again; what is wrong with it stays.
          await softly.poll(() => objections(page), { message: `${name}, ${theme}` }).toEqual([])
        }
      },
    })
  } finally {
    await bench.stop()
  }
  expect(seen.sort()).toEqual([...screenNames].sort())
})

test('axe sees what is wrong in this window, and the window’s policy still refuses scripts', async ({ page }) => {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  expect(await objections(page)).toEqual([])
  await page.evaluate(() => {
    const button = document.createElement('button')
    button.style.color = '#bbb'
    button.style.background = '#ccc'
    document.querySelector('main')?.append(button, document.createElement('img'))
  })
  const found = await objections(page)
  for (const rule of ['button-name', 'image-alt']) expect(found.some((each) => each.startsWith(`${rule}:`))).toBe(true)
  // Planted by the page itself, a script stays out: axe came another way.
  const refused = await page.evaluate(() => {
    try {
      document.body.append(Object.assign(document.createElement('script'), { text: 'window.planted = 1' }))
      return 'planted' in window ? 'it ran' : 'it did not run'
    } catch {
      return 'thrown'
    }
  })
  expect(refused).not.toBe('it ran')
})
