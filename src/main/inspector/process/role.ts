import type { SbatRow } from '../../../shared/input-facts.ts'
import { type Image, sectionsNamed } from './image.ts'
import { isLinuxKernel } from './kernel.ts'

/** What an image probably is. Marks that anyone can put into a file: good for a heading, never for a decision. */
export function roleOf(
  image: Image,
  texts: readonly { readonly section: string; readonly text: string }[],
  sbat: readonly SbatRow[] | null,
): string {
  if (sectionsNamed(image, '.linux').length > 0) return 'uki'
  const magic = texts.find(({ section }) => section === '.sdmagic')?.text ?? ''
  const systemd = /LoaderInfo: (systemd-(?:boot|stub|addon))/.exec(magic)?.[1]
  if (systemd !== undefined) return systemd
  if (isLinuxKernel(image.source)) return 'linux-kernel'
  const components = sbat?.map(({ component }) => component) ?? []
  if (sectionsNamed(image, 'mods').length > 0 || components.includes('grub')) return 'grub'
  if (sectionsNamed(image, '.vendor_cert').length > 0 || components.includes('shim')) return 'shim'
  if (components.includes('fwupd') || components.includes('fwupd-efi')) return 'fwupd'
  return subsystemRoles[image.headers.subsystem] ?? 'other'
}

const subsystemRoles: Readonly<Record<number, string>> = {
  10: 'efi-application',
  11: 'efi-boot-driver',
  12: 'efi-runtime-driver',
  13: 'efi-rom',
}
