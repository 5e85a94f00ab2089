import { z } from 'zod'

/**
 * What a key may sign. The words are debusine's; a purpose that the station does not serve yet is not in the list. From 0.12.2 on
 * `openpgp` is for files and uploads only, and `openpgp-repository` for repository indexes.
 */
export const purpose = z.enum(['uefi', 'openpgp', 'openpgp-repository'])
export type Purpose = z.infer<typeof purpose>
