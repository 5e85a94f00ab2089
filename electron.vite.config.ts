import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

// Three builds. Main has one entry per process that runs plain Node: the application, the token process, the inspector, the log reader, the USB watcher, and the auditor's verifier.
export default defineConfig({
  main: {
    build: {
      rolldownOptions: {
        input: {
          index: 'src/main/index.ts',
          'token-host': 'src/main/token/host/index.ts',
          'device-log-host': 'src/main/token/log-host/index.ts',
          'hsm-host': 'src/main/token/hsm-host/index.ts',
          inspector: 'src/main/inspector/process/index.ts',
          'hash-worker': 'src/main/digest/hash-worker.ts',
          'log-reader': 'src/main/log-review/process/index.ts',
          media: 'src/main/media/process/index.ts',
          'usb-watcher': 'src/main/usb/process/index.ts',
          'verify-audit': 'src/main/cli/verify-audit.ts',
        },
        output: { format: 'es' },
      },
    },
  },
  preload: {
    build: {
      externalizeDeps: false,
      rolldownOptions: { input: 'src/preload/index.ts', output: { format: 'cjs', entryFileNames: '[name].cjs' } },
    },
  },
  renderer: {
    build: { modulePreload: { polyfill: false }, assetsInlineLimit: 0, minify: true },
    plugins: [react()],
  },
})
