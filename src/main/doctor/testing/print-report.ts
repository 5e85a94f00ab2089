import { discoverModules } from '../../modules/discover.ts'
import { examine } from '../examine.ts'

// The doctor over a prepared machine, in a process that can be another user's. Arguments: the folder, and the environment as JSON.
const [, , root = '', environment = '{}'] = process.argv
const report = await examine({
  machine: {
    root,
    uid: process.getuid?.() ?? -1,
    user: 'operator',
    environment: JSON.parse(environment),
    usualConnector: 'http://127.0.0.1:1',
    architecture: 'x64',
  },
  modules: () => discoverModules({ chosen: [], architecture: 'x64', root }),
  chosen: null,
  tokens: async () => ({ tokens: [], modules: [] }),
  now: () => new Date(),
})
process.stdout.write(JSON.stringify(report))
