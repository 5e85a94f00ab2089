import type { DoctorReport, DoctorVerdict } from '../../shared/doctor.ts'
import { doctorTitles } from '../../shared/doctor-titles.ts'

const marks: Readonly<Record<DoctorVerdict['kind'], string>> = {
  ok: 'ok         ',
  problem: 'PROBLEM    ',
  'not-applicable': '-          ',
  'cannot-tell': 'not known  ',
}

export function problemsOf(report: DoctorReport): number {
  return report.findings.filter(({ verdict }) => verdict.kind === 'problem').length
}

/** The report for a terminal, in the words of the window. Commands stand on lines of their own, so that they can be copied. */
export function printReport(report: DoctorReport): string {
  const lines = report.findings.flatMap(({ check, subject, verdict }) => {
    const head = `${marks[verdict.kind]}${doctorTitles[check]}${subject === null ? '' : `: ${subject}`}`
    if (verdict.kind !== 'problem') return [head, `           ${verdict.sentence}`]
    const command = verdict.command === null ? [] : ['', ...verdict.command.split('\n'), '']
    return [head, `           ${verdict.sentence}`, `           ${verdict.advice}`, ...command]
  })
  const problems = problemsOf(report)
  const end =
    problems === 0
      ? 'Nothing wrong was found.'
      : problems === 1
        ? 'One problem was found. Begin with it.'
        : `${problems} problems were found. Begin with the first: those below it may follow from it.`
  return `${[...lines, '', end].join('\n')}\n`
}
