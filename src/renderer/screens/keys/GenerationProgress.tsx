import { useState } from 'react'
import { useStationEvent } from '../../station/station-context.tsx'
import { phaseWords } from './generate-view.ts'

/** What the token does or waits for, while it makes a key. */
export function GenerationProgress() {
  const [phase, setPhase] = useState<keyof typeof phaseWords>('over')
  useStationEvent('generation.progress', (progress) => setPhase(progress.phase))
  return (
    <p role="status" className={phase === 'touch' ? 'generation-touch' : 'small muted'}>
      {phaseWords[phase]}
    </p>
  )
}
