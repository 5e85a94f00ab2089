import type { CeremonyFact } from '../../shared/ceremony.ts'
import { digestGroups, durationWords, type StoryStep, storyOf } from '../../shared/ceremony-words.ts'
import { visible } from '../audit/summary.ts'
import type { Transcript } from './transcript.ts'

/**
 * The transcript for people: one file without a script, a style from elsewhere or anything to fetch. The JSON is what was sealed; this is made
 * from it alone, so that whoever has the JSON can make it again.
 */
export function transcriptHtml(transcript: Transcript, sha256: string): string {
  const { plan, records, stationName, outcome } = transcript
  const { steps, deviations } = storyOf(
    plan,
    records.map(({ record }) => record),
  )
  const head: readonly (readonly [string, string])[] = [
    ['Station', stationName],
    ['Ceremony', transcript.ceremonyId],
    ['Outcome', `${outcome}, ${deviations.length} ${deviations.length === 1 ? 'deviation' : 'deviations'}`],
    ['Begun', transcript.begunAt],
    ['Ended', transcript.endedAt],
    ['SHA-256 of transcript.json', digestGroups(sha256)],
    ['SHA-256 of the script', digestGroups(plan.scriptSha256)],
    ['SHA-256 of the plan', digestGroups(plan.planSha256)],
    ['Key of the audit log', transcript.logKey ?? 'none'],
    ...Object.entries(plan.parameters),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${text(plan.script.title)} — transcript</title>
<style>
${style}
</style>
</head>
<body>
<h1>${text(plan.script.title)}</h1>
<p class="purpose">${lines(plan.script.purpose)}</p>
<dl>
${head.map(([label, value]) => `<dt>${text(label)}</dt><dd>${text(value)}</dd>`).join('\n')}
</dl>
<h2>Deviations</h2>
${deviations.length === 0 ? '<p>None was recorded.</p>' : `<ol>\n${deviations.map(({ at, by, reason, step, effect }) => `<li><time>${text(at)}</time> ${step === null ? 'The whole' : `Step ${text(step)}`}${effect === 'skipped' ? ' <strong>was not done</strong>' : ''}, by ${text(by)}: ${lines(reason)}</li>`).join('\n')}\n</ol>`}
<h2>Steps</h2>
${steps.map(stepHtml).join('\n')}
<h2>Signed by</h2>
<table class="hands"><tr><th>Role</th><th>Name</th><th>Date and signature</th></tr>
${people(transcript)
  .map(({ role, name }) => `<tr><td>${text(role)}</td><td>${text(name)}</td><td></td></tr>`)
  .join('\n')}
</table>
<p class="small">Paper proves nothing by itself. What it says is checked with the audit log: README.txt of the evidence says how.</p>
</body>
</html>
`
}

function people({ records }: Transcript) {
  return records.flatMap(({ record }) => (record.event === 'ceremony-step-ended' ? (record.result.people ?? []) : []))
}

function stepHtml({
  number,
  id,
  title,
  kind,
  text: told,
  startedAt,
  endedAt,
  outcome,
  lines: story,
}: StoryStep): string {
  const took = startedAt === null || endedAt === null ? '' : `, ${durationWords(startedAt, endedAt)}`
  const when =
    startedAt === null
      ? ''
      : `<time>${text(startedAt)}</time> to ${endedAt === null ? '…' : `<time>${text(endedAt)}</time>`}${took}`
  return `<section class="${outcome}">
<h3>${number}. ${text(title)} <span class="kind">${text(kind)} · ${text(id)} · ${outcome === 'skipped' ? 'NOT DONE' : outcome}</span></h3>
<p class="when">${when}</p>
${told === null ? '' : `<p class="told">${lines(told)}</p>`}
${story.map(({ at, what, facts, tone }) => `<p class="${tone}"><time>${text(at)}</time> ${lines(what)}</p>${facts.length === 0 ? '' : `\n<dl>\n${facts.map(factHtml).join('\n')}\n</dl>`}`).join('\n')}
</section>`
}

function factHtml({ label, form, value }: CeremonyFact): string {
  const shown =
    form === 'digest'
      ? `<code>${text(digestGroups(value))}</code>`
      : form === 'lines'
        ? `<pre>${lines(value)}</pre>`
        : text(value)
  return `<dt>${text(label)}</dt><dd>${shown}</dd>`
}

/** Escaped, isolated from the direction of what stands around it, and with what cannot be seen made visible. */
function text(value: string): string {
  return `<bdi>${escaped(visible(value))}</bdi>`
}

function lines(value: string): string {
  return value
    .split('\n')
    .map((line) => text(line))
    .join('<br>')
}

function escaped(value: string): string {
  return value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

const style = `@page { size: A4; margin: 18mm 16mm 20mm; @bottom-right { content: counter(page) " of " counter(pages); } }
body { font: 10.5pt/1.4 "Liberation Sans", Arial, sans-serif; color: #111; max-width: 180mm; margin: 8mm auto; }
h1 { font-size: 18pt; margin: 0 0 2mm; } h2 { font-size: 13pt; margin: 8mm 0 2mm; border-bottom: 0.3mm solid #888; }
h3 { font-size: 11.5pt; margin: 0; } .kind { font-weight: normal; color: #555; font-size: 9pt; }
section { break-inside: avoid-page; border-left: 0.8mm solid #888; padding: 1mm 0 1mm 3mm; margin: 3mm 0; }
section.skipped { border-left-color: #b00020; } section.done { border-left-color: #1b6e3c; }
dl { display: grid; grid-template-columns: 58mm 1fr; gap: 0.6mm 4mm; margin: 1mm 0; } dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; font: 8.5pt/1.35 "Liberation Mono", monospace; }
code { font: 9pt/1.35 "Liberation Mono", monospace; } time { font: 8.5pt "Liberation Mono", monospace; color: #555; }
p { margin: 1mm 0; } .when, .small { color: #555; font-size: 9pt; } .told { color: #333; } .failed, .deviation { color: #b00020; }
.hands { width: 100%; border-collapse: collapse; } .hands td, .hands th { border: 0.2mm solid #888; padding: 2mm; text-align: left; height: 8mm; }
@media print { body { margin: 0; max-width: none; } }`
