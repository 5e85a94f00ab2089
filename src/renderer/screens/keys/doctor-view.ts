import type { DoctorFinding, DoctorReport, DoctorVerdict } from '../../../shared/doctor.ts'
import { doctorTitles } from '../../../shared/doctor-titles.ts'
import type { Tone } from '../../design/Badge.tsx'
import { count } from '../../parts/format.ts'

export type FindingView = {
  readonly title: string
  readonly subject: string | null
  readonly tone: Tone
  readonly word: string
  readonly sentence: string
  readonly advice: string | null
  readonly command: string | null
}

export type DoctorView = {
  readonly summary: string
  readonly tone: Exclude<Tone, 'accent'>
  readonly problems: readonly FindingView[]
  readonly others: readonly FindingView[]
}

const words: Readonly<Record<DoctorVerdict['kind'], readonly [Tone, string]>> = {
  ok: ['passed', 'In order'],
  problem: ['attention', 'Problem'],
  'not-applicable': ['neutral', 'Not needed'],
  'cannot-tell': ['unknown', 'Not known'],
}

export function doctorView(report: DoctorReport): DoctorView {
  const views = report.findings.map(findingView)
  const problems = views.filter(({ word }) => word === words.problem[1])
  const [, second] = problems
  return {
    problems,
    others: views.filter(({ word }) => word !== words.problem[1]),
    tone: problems.length === 0 ? 'passed' : 'attention',
    summary:
      problems.length === 0
        ? 'Nothing wrong was found.'
        : second === undefined
          ? 'One problem was found. Begin with it.'
          : `${count(problems.length, 'problem')} were found. Begin with the first: those below it may follow from it.`,
  }
}

function findingView({ check, subject, verdict }: DoctorFinding): FindingView {
  const [tone, word] = words[verdict.kind]
  const base = { title: doctorTitles[check], subject, tone, word, sentence: verdict.sentence }
  return verdict.kind === 'problem'
    ? { ...base, advice: verdict.advice, command: verdict.command }
    : { ...base, advice: null, command: null }
}
