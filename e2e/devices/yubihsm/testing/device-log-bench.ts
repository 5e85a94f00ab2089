import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createDeviceLogReader, type DeviceLogReader } from '../../../../src/main/token/device-log-reader.ts'

const hostEntry = fileURLToPath(new URL('../../../../src/main/token/log-host/index.ts', import.meta.url))

/** What has every signing command audited, and SET OPTION: docs/formats/device-log.md §4. */
export const auditSigning = '47015501560164015d016a014f01'

/** The station's reader of device logs, with its processes, at a connector. */
export function deviceLogReader(folder: string, connectorUrl: string): DeviceLogReader {
  const file = join(folder, 'reader.conf')
  writeFileSync(file, `connector=${connectorUrl}\n`)
  return createDeviceLogReader({
    node: process.execPath,
    hostEntry,
    environment: { YUBIHSM_PKCS11_CONF: file },
    log: () => {},
  })
}
