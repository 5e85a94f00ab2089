const sources = {
  'hash-worker': 'digest/hash-worker.ts',
  inspector: 'inspector/process/index.ts',
  'log-reader': 'log-review/process/index.ts',
  'usb-watcher': 'usb/process/index.ts',
} as const

/**
 * Where the code of a thread or process of its own is. `compositionRoot` is the `import.meta.url` of main's entry: `src/main/index.ts`, run
 * from source, or `out/main/index.js`, where the build puts every entry side by side.
 */
export function entryUrl(entry: keyof typeof sources, compositionRoot: string): URL {
  return new URL(new URL(compositionRoot).pathname.endsWith('.ts') ? sources[entry] : `${entry}.js`, compositionRoot)
}
