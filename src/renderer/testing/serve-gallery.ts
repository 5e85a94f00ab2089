import react from '@vitejs/plugin-react'
import { build, type InlineConfig, preview } from 'vite'

// The headers of the product's window: what works only without them must not look as if it worked.
const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/** Builds the gallery beside the product, never into it, and serves it on loopback until the process ends. */
const root = new URL('..', import.meta.url).pathname
const outDir = new URL('../../../node_modules/.cache/gallery', import.meta.url).pathname
const shared = { configFile: false, root, logLevel: 'warn', plugins: [react()] } satisfies InlineConfig

await build({
  ...shared,
  build: {
    outDir,
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: [`${root}testing/gallery.html`, `${root}testing/long-list.html`] },
  },
})
const server = await preview({
  ...shared,
  build: { outDir },
  preview: { host: '127.0.0.1', port: 4187, strictPort: true, headers },
})
server.printUrls()
