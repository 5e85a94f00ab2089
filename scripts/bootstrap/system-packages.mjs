// Debian packages that a mode needs, and how they get onto the machine. Plain JavaScript for Debian 12's own Node 18.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'

const native = ['g++'] // pkcs11js is compiled
const window = ['chromium', 'fonts-dejavu-core', 'libglib2.0-bin'] // libglib2.0-bin: gdbus, which tells that the desk was locked
const display = ['xvfb']
const softToken = ['opensc', 'openssl', 'softhsm2']
// The reference tools that must accept what the station signs, and that make files to be signed.
const referenceTools = [
  'devscripts', // debsign and dscverify
  'dbus-daemon', // with python3-dbus a bus on which a logind of the tests locks the desk
  'efitools',
  'gpg',
  'gpg-agent', // a key of GnuPG's own, to compare with
  'gpgv',
  'libengine-pkcs11-openssl',
  'libsodium23',
  'osslsigncode',
  'p11-kit',
  'pesign',
  'python3-dbus',
  'sbsigntool',
  'sq',
  'sqv',
]
// What the YubiHSM's software of Debian 13, which the tests unpack, takes from the system: curl stands for its library, whose name changed.
const unpackedSoftware = ['curl', 'libedit2', 'libpcsclite1']

// pcscd with a reader for the virtual YubiKey, and the vendor's software that is run against it.
const virtualYubiKey = [
  'iproute2',
  'opensc-pkcs11',
  'pcscd',
  'vsmartcard-vpcd',
  'ykcs11',
  'yubico-piv-tool',
  'yubikey-manager',
]

// An emulated machine with the kernel's USB/IP host, and what a desk with a YubiKey has on its USB. The kernel is downloaded by the test.
const usbMachine = [
  'busybox-static',
  'kmod',
  'libccid',
  'openssl',
  'pcscd',
  'qemu-system-x86',
  'sbsigntool',
  'udev',
  'usbip',
  'xz-utils',
  'ykcs11',
]

/** Mode → names of Debian packages. */
export const packagesFor = {
  setup: native,
  test: [...native, ...window, ...display, ...softToken, ...referenceTools, ...virtualYubiKey, ...unpackedSoftware],
  demo: [...native, ...window, ...softToken, 'sbsigntool', ...(hasDisplay() ? [] : display)],
  'test:debusine': [...native, ...window, ...display, ...softToken, ...referenceTools, 'debootstrap'],
  'test:usb': [...native, ...usbMachine, ...unpackedSoftware],
  bench: [
    ...native,
    ...window,
    ...softToken,
    'gnupg-pkcs11-scd', // with gpg and its agent: what a clear-signed batch is compared with
    'gpg',
    'gpg-agent',
    'gpgsm', // tells the scdaemon's keys to the agent
    'libengine-pkcs11-openssl',
    'sbsigntool',
  ],
}

export function hasDisplay() {
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
}

/** Names of `packages` that are not installed. Null: this is not a Debian system. */
export function missingPackages(packages) {
  // One line for each package that dpkg knows; unknown ones are only a complaint on standard error.
  const asked = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status} ${Package}\\n', ...packages], {
    encoding: 'utf8',
  })
  if (asked.error) return null
  const installed = new Set()
  for (const line of asked.stdout.split('\n')) {
    const [status, name] = line.split(' ')
    if (status === 'installed') installed.add(name)
  }
  return packages.filter((name) => !installed.has(name))
}

/**
 * Installs what is missing: as root, or through sudo where it asks for no password. Returns null, or a sentence that says what
 * the machine's administrator has to do.
 */
export function installPackages(packages) {
  const missing = missingPackages(packages)
  if (missing === null) {
    return `This is not a Debian system, so nothing was installed. Install what provides ${packages.join(', ')}, then set STATION_SYSTEM_PACKAGES=present and try again.`
  }
  if (missing.length === 0) return null
  const prefix = process.getuid() === 0 ? [] : ['sudo', '-n']
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (prefix.length > 0 && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) {
    return `These Debian packages are missing: ${missing.join(', ')}. Ask the machine's administrator to run:\n\n    sudo ${command}\n\nand try again. Nothing was changed.`
  }
  console.log(`bootstrap: installing ${missing.length} Debian packages: ${missing.join(' ')}`)
  if (!havePackageLists()) aptGet(prefix, ['update', '-q'])
  const install = ['install', '-q', '-y', '--no-install-recommends', ...missing]
  // Lists can be too old to find a package's file: once more with new ones.
  if (aptGet(prefix, install) || (aptGet(prefix, ['update', '-q']) && aptGet(prefix, install))) return null
  return `apt-get could not install ${missing.join(', ')}; its own message is above. Run \`${command}\` as root, and try again.`
}

function havePackageLists() {
  const folder = '/var/lib/apt/lists'
  return existsSync(folder) && readdirSync(folder).some((name) => /_Packages(?:\.\w+)?$/.test(name))
}

/** Quiet when all goes well: hundreds of lines about packages would hide what follows. */
function aptGet(prefix, args) {
  const [program, ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', ...args]
  const done = spawnSync(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (done.status !== 0) console.error(`${done.stdout}${done.stderr}`.trimEnd().split('\n').slice(-20).join('\n'))
  return done.status === 0
}
