import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// Debian's pcscd, with the virtual reader of vsmartcard, in a mount and network namespace of its own: its socket has a fixed path.

const driver = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so'
const script = `
  mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/pcscd /run/lock /run/readers && ip link set lo up
  printf 'FRIENDLYNAME "Yubico YubiKey OTP+FIDO+CCID"\\nDEVICENAME /dev/null:0x8C7B\\nLIBPATH ${driver}\\nCHANNELID 0x8C7B\\n' > /run/readers/virtual
  "$NODE" "$ASK" < /dev/null
  pcscd --foreground --error --config /run/readers < /dev/null > /dev/null 2>&1 &
  daemon=$!
  until [ -S /run/pcscd/pcscd.comm ]; do sleep 0.05; kill -0 $daemon || exit 1; done
  "$NODE" "$ASK" < /dev/null
  "$NODE" "$CARD" < /dev/null &
  card=$!
  until "$NODE" "$ASK" < /dev/null | grep '"hasCard":true'; do kill -0 $card || exit 1; sleep 0.1; done
  kill $card
  kill -KILL $daemon
  wait $daemon
  "$NODE" "$ASK" < /dev/null
`

test('what pcscd says is understood: absent, running with a reader, with a card in it, killed', async (ctx) => {
  if (process.getuid?.() !== 0) return ctx.skip('only root may give pcscd a /run of its own')
  if (!existsSync('/usr/sbin/pcscd') || !existsSync(driver))
    return ctx.skip('pcscd or vsmartcard-vpcd is not installed')
  if (spawnSync('unshare', ['--mount', '--net', 'true']).status !== 0) return ctx.skip('no namespaces here')
  const child = spawn('unshare', ['--mount', '--net', '--propagation', 'private', 'sh', '-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      NODE: process.execPath,
      ASK: fileURLToPath(new URL('./testing/ask-pcscd.ts', import.meta.url)),
      CARD: fileURLToPath(new URL('./testing/virtual-card.ts', import.meta.url)),
    },
  })
  const lines: unknown[] = []
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)))
  await new Promise((resolve) => child.once('close', resolve))
  expect(lines).toEqual([
    { kind: 'no-socket' },
    { kind: 'answers', readers: [{ name: 'Yubico YubiKey OTP+FIDO+CCID 00 00', isExclusive: false, hasCard: false }] },
    { kind: 'answers', readers: [{ name: 'Yubico YubiKey OTP+FIDO+CCID 00 00', isExclusive: false, hasCard: true }] },
    { kind: 'not-listening' },
  ])
  return undefined
})
