import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

const policyDir = '/etc/chromium/policies/managed'

/**
 * What an operator or administrator can do about a browser that starts and shows nothing. Policies are the known causes:
 * RemoteDebuggingAllowed=false and DeveloperToolsAvailability=2 keep us from reaching the window, URLBlocklist blocks its page.
 */
export async function startProblem(): Promise<string> {
  const files = (await readdir(policyDir).catch(() => []))
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(policyDir, name))
  const where = files.length === 0 ? `There are no policy files in ${policyDir}` : `Look at ${files.join(', ')}`
  return `${where}: RemoteDebuggingAllowed must not be false, DeveloperToolsAvailability must not be 2, URLBlocklist must not match https://station.invalid.`
}
