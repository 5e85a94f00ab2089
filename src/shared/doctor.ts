import { z } from 'zod'
import { utcTime } from './ids.ts'

/** What is looked at to find out why a token is not shown, in the order in which it is told. */
export const doctorCheck = z.enum([
  'usb',
  'device',
  'hot-plug',
  'session',
  'permission',
  'interfaces',
  'pcscd',
  'polkit',
  'scdaemon',
  'connector',
  'module-installed',
  'module-chosen',
  'module-file',
  'module-loads',
  'module-shows-token',
])
export type DoctorCheck = z.infer<typeof doctorCheck>

/**
 * What came out of it. Every check reads and changes nothing. `cannot-tell` is not `ok`: the sentence says what kept it from being
 * known. `command` is what mends a problem, to be typed as it stands; null where no command does.
 */
export const doctorVerdict = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ok'), sentence: z.string().min(1) }),
  z.strictObject({
    kind: z.literal('problem'),
    sentence: z.string().min(1),
    advice: z.string().min(1),
    command: z.string().min(1).nullable(),
  }),
  z.strictObject({ kind: z.literal('not-applicable'), sentence: z.string().min(1) }),
  z.strictObject({ kind: z.literal('cannot-tell'), sentence: z.string().min(1) }),
])
export type DoctorVerdict = z.infer<typeof doctorVerdict>

export const doctorFinding = z.strictObject({
  check: doctorCheck,
  /** The device, module or program that it is about; null: the machine. Control characters are already shown by their numbers. */
  subject: z.string().max(4200).nullable(),
  verdict: doctorVerdict,
})
export type DoctorFinding = z.infer<typeof doctorFinding>

export const doctorReport = z.strictObject({
  at: utcTime,
  findings: z.array(doctorFinding).max(500),
})
export type DoctorReport = z.infer<typeof doctorReport>
