import { configDefaults, defineConfig } from 'vitest/config'

/**
 * Tests that take seconds, because they start programs, wait for a disk or try thousands of inputs: `npm test` runs them, `npm run
 * check` does not.
 */
const contracts = [
  'e2e/**/*.test.ts',
  'scripts/{bootstrap,debian-packages,efi-files,guards,soft-token,testing/run-layers}.test.ts',
  'src/main/**/*.fuzz.test.ts',
  'src/main/audit/{append-only.attack,durability,tamper.attack}.test.ts',
  'src/main/audit/device-log/interop.test.ts',
  'src/main/desktop/single-instance.test.ts',
  'src/main/doctor/**/*.test.ts',
  'src/main/inspector/{inspector-process*,inspect-upload.attack}.test.ts',
  'src/main/inspector/process/inspect.test.ts',
  'src/main/keys/**/{create-software-key,generate-key,generate-uefi-key,register-key,register-openpgp,certify-with-subkey,change-certificate.attack}.test.ts',
  'src/main/signing/debsign/debsign.test.ts',
  'src/main/signing/pe/pe.signer.test.ts',
  'src/main/token/{host-process,pin,service.generate}.attack.test.ts',
  'src/main/token/service*.test.ts',
  'src/main/usb/{usb-watcher*,process/scan.attack}.test.ts',
]

const project = (name: string, include: string[], exclude = contracts) => ({
  extends: true as const,
  test: { name, include, exclude: [...configDefaults.exclude, ...exclude], environment: 'node' },
})

// Units by the process that they are of, and contracts with real modules and tools. The window has its own runner (playwright.config.ts).
export default defineConfig({
  test: {
    // A time limit is for what hangs. On a loaded machine a program can take its time to start.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    projects: [
      project('shared', ['src/shared/**/*.test.ts']),
      project('db', ['db/**/*.test.ts']),
      project('main', ['src/main/**/*.test.ts']),
      project('renderer', ['src/renderer/**/*.test.ts', 'src/preload/**/*.test.ts']),
      project('scripts', ['scripts/**/*.test.ts']),
      project('contract', contracts, []),
    ],
  },
})
