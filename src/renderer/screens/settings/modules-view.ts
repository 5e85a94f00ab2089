import type { FoundModule, ModuleDiscovery, ModuleFileState } from '../../../shared/modules.ts'
import type { Settings } from '../../../shared/settings.ts'
import type { Tone } from '../../design/Badge.tsx'

type Modules = Settings['modules']

export type FileWords = { readonly tone: Tone; readonly text: string }

/** What reading the file told. */
export function fileWords(state: ModuleFileState): FileWords {
  switch (state.kind) {
    case 'fits':
      return { tone: 'passed', text: 'a library for this machine' }
    case 'missing':
      return { tone: 'attention', text: 'there is no such file' }
    case 'unreadable':
      return { tone: 'attention', text: 'the file cannot be read from this account' }
    case 'not-a-library':
      return { tone: 'refused', text: 'the file is no shared library' }
    case 'wrong-architecture':
      return { tone: 'refused', text: `made for ${state.library}, and this program runs on ${state.machine}` }
  }
}

/** What is to be said beside a row of the settings, or null: not looked at yet, or nothing to say. */
export function rowNote(modules: Modules, index: number, found: ModuleDiscovery | undefined): FileWords | null {
  const path = modules[index]?.path.trim()
  if (path === undefined || path === '' || found === undefined) return null
  const file = fileOf(path, found)
  const first = modules.findIndex((module) => module.enabled && fileOf(module.path.trim(), found) === file)
  if (modules[index]?.enabled === true && first < index)
    return { tone: 'attention', text: `the same file as module ${first + 1}; it is loaded once` }
  const known = found.modules.find((module) => module.path === path || module.file === path)
  return known === undefined || known.state.kind === 'fits' ? null : fileWords(known.state)
}

function fileOf(path: string, { modules }: ModuleDiscovery): string {
  return modules.find((module) => module.path === path || module.file === path)?.file ?? path
}

export type ProposalView = {
  readonly path: string
  readonly name: string
  readonly words: FileWords
  /** p11-kit's configuration keeps it from this program; null: it does not. */
  readonly kept: string | null
  readonly mayAdd: boolean
}

/** The modules of this machine that are not in the list yet, those that would work first. */
export function proposals(modules: Modules, found: ModuleDiscovery | undefined): readonly ProposalView[] {
  if (found === undefined) return []
  const listed = new Set(modules.map(({ path }) => fileOf(path.trim(), found)))
  const rank = (module: FoundModule) => (module.state.kind === 'fits' ? 0 : 1)
  return found.modules
    .filter(({ file, foundIn }) => foundIn !== 'settings' && !listed.has(file))
    .sort((one, other) => rank(one) - rank(other))
    .map((module) => ({
      path: module.path,
      name: module.name,
      words: fileWords(module.state),
      kept: module.disabledHere ? 'p11-kit’s configuration keeps it from this program' : null,
      mayAdd: module.state.kind === 'fits',
    }))
}
