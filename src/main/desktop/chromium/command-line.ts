/** Debian's browser itself. Its script in /usr/bin adds extensions and a remote-extension switch. */
export const chromiumBinary = '/usr/lib/chromium/chromium'

export const windowClass = 'signing-station'

export interface WindowOptions {
  readonly title: string
  readonly profileDir: string
  readonly headless: boolean
  /** In development Vite's web socket has to be reached; else nothing has. */
  readonly development: boolean
}

export function chromiumArguments({ title, profileDir, headless, development }: WindowOptions): readonly string[] {
  return [
    '--remote-debugging-pipe',
    `--user-data-dir=${profileDir}`,
    `--app=data:text/html,<title>${encodeURIComponent(title)}</title>`,
    `--class=${windowClass}`,
    '--window-size=1360,860',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-extensions',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-default-apps',
    '--disable-domain-reliability',
    '--disable-breakpad',
    '--no-pings',
    '--disable-notifications',
    '--disable-session-crashed-bubble',
    '--hide-crash-restore-bubble',
    '--password-store=basic',
    '--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication',
    // A proxy that is not there: --host-resolver-rules would do as well, but puts up a warning bar.
    ...(development ? [] : ['--proxy-server=socks5://127.0.0.1:9', '--proxy-bypass-list=<-loopback>']),
    // The older spelling, --force-webrtc-ip-handling-policy, had no effect: ICE candidates leaked the host's addresses.
    '--webrtc-ip-handling-policy=disable_non_proxied_udp',
    ...(headless ? ['--headless'] : []),
  ]
}

const passedOn =
  /^(?:HOME|DISPLAY|XAUTHORITY|WAYLAND_DISPLAY|XDG_(?:RUNTIME_DIR|SESSION_TYPE|CURRENT_DESKTOP|CONFIG_HOME|DATA_DIRS|DATA_HOME)|DBUS_SESSION_BUS_ADDRESS|AT_SPI_BUS_ADDRESS|NO_AT_BRIDGE|GTK_.*|GDK_.*|XCURSOR_.*|LANG|LANGUAGE|LC_.*|TZ)$/

/**
 * What the browser needs to draw, and no more: no proxy, no preloaded library, no secret of the shell that started us. Its PATH is
 * empty, because `location.href='mailto:'` made it run xdg-email, which started a second browser on the user's own profile. Images of
 * crashed pages, with what was typed into them, go where nobody can write: else they go to ~/.config/chromium, and --disable-breakpad
 * stops only their sending.
 */
export function browserEnvironment(own: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(own).flatMap(([name, value]) =>
    value !== undefined && passedOn.test(name) ? [[name, value] as const] : [],
  )
  return { ...Object.fromEntries(kept), PATH: '/nonexistent', BREAKPAD_DUMP_LOCATION: '/proc' }
}

/** Whether an empty network namespace leaves the display reachable: a display over TCP (ssh -X) is on the other side of it. */
export function displayIsLocal(own: Readonly<Record<string, string | undefined>>): boolean {
  return /^(?:unix)?:\d+(?:\.\d+)?$/.test(own['DISPLAY'] ?? ':0')
}
