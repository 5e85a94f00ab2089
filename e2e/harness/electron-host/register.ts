import { registerHooks } from 'node:module'

// Loaded before the product with `node --import`: makes this Node look like Electron and answers `import 'electron'` with a stand-in
// that draws in Debian's Chromium. It runs the product's Electron adapter and preload; it proves nothing about Electron itself.
Object.defineProperty(process.versions, 'electron', { value: '0.0.0-host', enumerable: true })
// As with `electron .`: the program's file stands among the arguments.
Object.defineProperty(process, 'defaultApp', { value: true })

const standIn = new URL('./electron.ts', import.meta.url).href

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
})
