import type { UsbState } from '../../shared/devices.ts'
import type { DoctorReport } from '../../shared/doctor.ts'
import type { ModuleDiscovery } from '../../shared/modules.ts'
import { ok } from '../../shared/result.ts'
import { answered } from './answers.ts'
import { bind } from './router.ts'

export type DevicePorts = {
  readonly usb: () => UsbState
  readonly modules: () => Promise<ModuleDiscovery>
  readonly examine: () => Promise<DoctorReport>
}

export function deviceBindings({ usb, modules, examine }: DevicePorts) {
  // One at a time: it ends idle token processes, and two would end each other's.
  let running: Promise<DoctorReport> | null = null
  return {
    'devices.list': bind('devices.list', async () => answered(ok(usb()))),
    'modules.find': bind('modules.find', async () => answered(ok(await modules()))),
    'doctor.run': bind('doctor.run', async () => {
      running ??= examine().finally(() => {
        running = null
      })
      return answered(ok(await running))
    }),
  }
}
