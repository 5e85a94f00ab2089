import { z } from 'zod'

/** What a key may sign. The words are debusine's; a purpose that the station does not serve yet is not in the list. */
export const purpose = z.enum(['uefi'])
export type Purpose = z.infer<typeof purpose>
