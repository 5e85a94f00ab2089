import { z } from 'zod'

/** As the operator typed or chose it. Main opens it for reading only, and answers with nothing of a file that is no log. */
export const logPath = z
  .string()
  .max(4096)
  .regex(/^\/[^\0]*$/)
