import { ok } from '../../shared/result.ts'
import { changing, reading, type StationAccess } from './answers.ts'
import { bind } from './router.ts'

export function waitingBindings(access: StationAccess) {
  return {
    'waiting.list': bind('waiting.list', () => reading(access, ({ waiting }) => waiting.list())),
    'waiting.answer': bind('waiting.answer', (input) => changing(access, ({ waiting }) => waiting.answer(input))),
    'waiting.take': bind('waiting.take', (input) =>
      changing(access, async ({ desk }) => {
        const taken = await desk.takeExternal(input)
        return taken.ok ? ok({ requestId: taken.value }) : taken
      }),
    ),
  }
}
