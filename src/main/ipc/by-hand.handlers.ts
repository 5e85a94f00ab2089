import { ok } from '../../shared/result.ts'
import type { OfferedFiles } from '../requests/by-hand/offered-files.ts'
import { answered, changing, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

export function byHandBindings(access: StationAccess, offered: OfferedFiles) {
  return {
    'hand.offered': bind('hand.offered', async () => answered(ok([...offered.take()]))),
    'hand.open': bind('hand.open', (input) =>
      changing(access, async ({ desk }) => {
        const opened = await desk.hand.openByHand(input)
        return opened.ok ? ok({ requestId: opened.value }) : opened
      }),
    ),
    'hand.deliver': bind('hand.deliver', ({ requestId, delivery }) =>
      changing(access, ({ desk }) => desk.hand.redirectDelivery(requestId, delivery)),
    ),
  }
}
