import type { TextFacts } from '../../../shared/input-facts.ts'
import { type Fact, name, text } from '../../parts/fact.ts'
import { count } from '../../parts/format.ts'
import type { FileFlag } from './file-view.ts'

const computed = { source: 'station', assurance: 'verified' } as const

const lineEnds: Record<TextFacts['lineEnds'], string> = {
  lf: 'LF',
  crlf: 'CR LF',
  mixed: 'mixed: LF and CR LF',
  none: 'none',
}
const oddWords: Record<TextFacts['oddities'][number]['kind'], string> = {
  control: 'Control character',
  bidirectional: 'Turns the direction of writing',
  invisible: 'Invisible character',
  'line-separator': 'Separates lines, ends none',
  'not-assigned': 'Character without a meaning',
}

/** What the station found in a text, beside the text itself: above all what does not show. */
export function textFactsOf(facts: TextFacts): readonly Fact[] {
  const odd = facts.oddities.map(
    ({ kind, codePoint, count: times, firstLine }): Fact => ({
      id: `odd-${codePoint}`,
      label: `${oddWords[kind]} ${codePoint}`,
      value: text(`${count(times, 'time')}, first in line ${firstLine}`),
      ...computed,
    }),
  )
  const frames = facts.frames.map(
    ({ line, text: words }): Fact => ({
      id: `frame-${line}`,
      label: `Like a frame of OpenPGP, line ${line}`,
      value: name(words),
      ...computed,
    }),
  )
  return [
    { id: 'lines', label: 'Lines', value: text(`${facts.lines}, ended by ${lineEnds[facts.lineEnds]}`), ...computed },
    ...(facts.trailingBlanks === 0
      ? []
      : [
          {
            id: 'blanks',
            label: 'Blanks at line ends, not signed',
            value: text(`in ${count(facts.trailingBlanks, 'line')}`),
            ...computed,
          },
        ]),
    ...odd,
    ...frames,
    ...(facts.linesOutside === null
      ? []
      : [
          {
            id: 'outside',
            label: 'Outside the signed part of the message inside',
            value: text(count(facts.linesOutside, 'line')),
            ...computed,
          },
        ]),
  ]
}

export function textFlagsOf(facts: TextFacts): readonly FileFlag[] {
  const flags: FileFlag[] = []
  if (facts.faults.length > 0) flags.push({ tone: 'refused', text: count(facts.faults.length, 'fault') })
  if (facts.cut) flags.push({ tone: 'attention', text: 'Not all shown' })
  if (facts.oddities.length > 0) flags.push({ tone: 'attention', text: 'Characters that do not show' })
  if (facts.frames.length > 0) flags.push({ tone: 'attention', text: 'OpenPGP inside' })
  return flags
}
