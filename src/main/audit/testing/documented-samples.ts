import { checkpointLineOf, endLineOf, entryLine, headerLine, omittedLineOf } from '../format/export-file.ts'
import { consistencyRanges, inclusionRanges, nodeHash } from '../format/merkle.ts'
import { formatConsistency, formatProof } from '../format/proof-file.ts'
import { formatVerifierKey, noteKeyType } from '../format/signed-note.ts'
import { sampleEntries, sampleIntent, sampleSigned } from './sample-entries.ts'
import { cosign, rootOf, sampleCheckpoint, sampleKey, sampleLog } from './sample-log.ts'

/** What docs/formats/{checkpoint,proof,export}.md show: the three entries of audit-entry.md §7 as a log. */
export function documentedSamples() {
  const [created] = sampleEntries()
  if (created === undefined) throw new Error('no sample')
  const { entries, leaves } = sampleLog([created, sampleIntent(), sampleSigned(2)])
  const [first, second, third] = leaves
  const [, , signed] = entries
  if (first === undefined || second === undefined || third === undefined || signed === undefined)
    throw new Error('no sample')
  const log = sampleKey()
  const witness = sampleKey('witness', 'witness.example.com/w1', noteKeyType.cosignature)
  const checkpoint = sampleCheckpoint(leaves)
  const hashesOf = (ranges: readonly { start: number; end: number }[]) =>
    ranges.map(({ start, end }) => rootOf(leaves.slice(start, end)))
  const vkey = formatVerifierKey(log.key)
  return {
    vkey,
    witnessKey: formatVerifierKey(witness.key),
    checkpoint,
    cosigned: `${checkpoint}${cosign(checkpoint, witness, 1_767_323_045)}`,
    proof: formatProof({ entry: signed, index: 2, hashes: hashesOf(inclusionRanges(2, 3)), checkpoint }),
    consistency: formatConsistency({ oldSize: 2, hashes: hashesOf(consistencyRanges(2, 3)), checkpoint }),
    older: sampleCheckpoint(leaves, 2),
    export: [
      headerLine({
        signingStationExport: 1,
        origin: log.key.name,
        vkey,
        size: 3,
        selection: 'from 2026-01-02T03:04:07.000Z',
        madeAt: '2026-03-04T05:06:07.000Z',
        softwareVersion: '0.1.0',
      }),
      omittedLineOf(2, [nodeHash(first, second)]),
      String(entryLine(signed)),
      checkpointLineOf(checkpoint),
      endLineOf(3),
    ].join(''),
  }
}
