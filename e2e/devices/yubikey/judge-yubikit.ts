// Runs the maker's own device tests (tests/device of yubikey-manager, for hardware that may be erased) against the virtual key.
//
//   node e2e/devices/yubikey/judge-yubikit.ts SOURCE [--firmware 5.4.3] [-- PYTEST ARGUMENTS]
//
// SOURCE is an unpacked source of yubikey-manager (`apt-get source yubikey-manager`). Debian packages that it needs: python3-pytest,
// python3-makefun, python3-keyring, python3-pyscard, python3-fido2. PYTHONPATH is kept, for a newer ykman than the installed one.
import { parseArgs } from 'node:util'
import { whyNoReader, withVirtualYubiKeys } from '../reader.ts'

const { values, positionals } = parseArgs({
  options: { firmware: { type: 'string', default: '5.7.1' } },
  allowPositionals: true,
})
const [source, ...more] = positionals
const firmware = values.firmware
if (source === undefined || (firmware !== '5.4.3' && firmware !== '5.7.1')) {
  process.stderr.write('usage: judge-yubikit.ts SOURCE [--firmware 5.4.3|5.7.1] [-- PYTEST ARGUMENTS]\n')
  process.exit(2)
}
const why = whyNoReader()
if (why !== null) {
  process.stderr.write(`judge-yubikit: ${why}\n`)
  process.exit(1)
}

const code = await withVirtualYubiKeys([{ firmware }], async ([key], room) => {
  const device = ['--device', String(key?.serial), '--reader', 'Yubico YubiKey OTP+FIDO+CCID 00 00']
  const tests = ['tests/device/test_piv.py', 'tests/device/cli/piv']
  // The harness reads the kind of key from USB, where there is none; the plugin names it.
  const plugin = ['-p', 'yubikit_harness']
  const path = [`${import.meta.dirname}/testing`, process.env['PYTHONPATH']].filter((part) => part !== undefined)
  const done = await room.run(
    '/usr/bin/python3',
    ['-m', 'pytest', '-q', '-rs', '--tb=short', ...plugin, ...device, ...tests, ...more],
    {
      cwd: source,
      env: { PYTHONPATH: path.join(':'), PYTHONDONTWRITEBYTECODE: '1' },
    },
  )
  process.stdout.write(done.stdout)
  process.stderr.write(done.stderr)
  return done.code
})
process.exitCode = code ?? 1
