import { atLeast, type Firmware } from '../firmware.ts'
import type { CommandKind } from './command.ts'
import { lookAtObjectCommands } from './look-at-objects.ts'
import { makeObjectCommands } from './make-objects.ts'
import { deviceCommands } from './manage-device.ts'
import { otpCommands } from './otp-commands.ts'
import { privateKeyCommands } from './use-private-keys.ts'
import { secretKeyCommands } from './use-secret-keys.ts'
import { wrapCommands } from './wrap-commands.ts'

const all: ReadonlyMap<number, CommandKind> = new Map(
  [
    deviceCommands,
    makeObjectCommands,
    lookAtObjectCommands,
    privateKeyCommands,
    secretKeyCommands,
    wrapCommands,
    otpCommands,
  ]
    .flat()
    .map((kind) => [kind.code, kind]),
)

/** A command in a session; null where this firmware has none of that code. */
export function commandOf(code: number, firmware: Firmware): CommandKind | null {
  const kind = all.get(code)
  return kind === undefined || (kind.since !== undefined && !atLeast(firmware, ...kind.since)) ? null : kind
}
