import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Button } from '../../design/Button.tsx'
import { UntrustedText } from '../../parts/UntrustedText.tsx'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { useAction } from '../../station/station-queries.ts'
import { standingSentence } from './standing-view.ts'

/** Always in sight while something is approved ahead, with the one button that ends it. */
export function StandingBand() {
  const station = useStation()
  const cache = useQueryClient()
  const query = useQuery({
    queryKey: ['standing'],
    queryFn: () => station.standingList(),
    select: (answer) => (answer.ok ? answer.value : []),
  })
  const withdraw = useAction((api, id: Parameters<typeof api.standingWithdraw>[0]['id']) =>
    api.standingWithdraw({ id }),
  )
  useStationEvent('standing.changed', () => void cache.invalidateQueries({ queryKey: ['standing'] }))
  return (query.data ?? []).map((standing) => (
    <div key={standing.id} className="app-band row" role="status">
      <span className="grow">
        <strong>Approved ahead.</strong> <UntrustedText text={standingSentence(standing)} />
      </span>
      <Button size="s" isPending={withdraw.pending} onPress={() => void withdraw.run(standing.id)}>
        Withdraw
      </Button>
    </div>
  ))
}
