export type TypePlant = {
  readonly guard: string
  readonly file: string
  readonly source: string
  readonly code: string
}

/** One violation a file; `code` is what the compiler must report for it. */
export const typePlants: readonly TypePlant[] = [
  {
    guard: 'the renderer does not see main, not even as a type',
    file: 'src/renderer/main-plant.ts',
    source: "import type { M } from '../main/clean.ts'\n\nexport type X = M\n",
    code: 'TS6307',
  },
  {
    guard: 'the renderer does not see db',
    file: 'src/renderer/db-plant.ts',
    source: "import type { D } from '../../db/clean.ts'\n\nexport type X = D\n",
    code: 'TS6307',
  },
  {
    guard: 'the renderer has no Node',
    file: 'src/renderer/node-plant.ts',
    source: "export { readFileSync } from 'node:fs'\n",
    code: 'TS2591',
  },
  {
    guard: 'the renderer has no process',
    file: 'src/renderer/process-plant.ts',
    source: 'export const x = process.argv\n',
    code: 'TS2591',
  },
  {
    guard: 'the preload does not see main',
    file: 'src/preload/main-plant.ts',
    source: "import type { M } from '../main/clean.ts'\n\nexport type X = M\n",
    code: 'TS6307',
  },
  {
    guard: 'the preload has no Node',
    file: 'src/preload/node-plant.ts',
    source: "export { readFileSync } from 'node:fs'\n",
    code: 'TS2591',
  },
  {
    guard: 'main has no document',
    file: 'src/main/dom-plant.ts',
    source: 'export const x = document.title\n',
    code: 'TS2584',
  },
  {
    guard: 'main does not see the renderer',
    file: 'src/main/renderer-plant.ts',
    source: "import type { R } from '../renderer/clean.ts'\n\nexport type X = R\n",
    code: 'TS6307',
  },
  {
    guard: 'db does not see main',
    file: 'db/main-plant.ts',
    source: "import type { M } from '../src/main/clean.ts'\n\nexport type X = M\n",
    code: 'TS6307',
  },
  {
    guard: 'shared has no Node',
    file: 'src/shared/node-plant.ts',
    source: "export { readFileSync } from 'node:fs'\n",
    code: 'TS2591',
  },
  {
    guard: 'shared does not see main',
    file: 'src/shared/main-plant.ts',
    source: "import type { M } from '../main/clean.ts'\n\nexport type X = M\n",
    code: 'TS6307',
  },
  {
    guard: 'shared has no document',
    file: 'src/shared/dom-plant.ts',
    source: 'export const x = document.title\n',
    code: 'TS2584',
  },
  {
    guard: 'no enum: Node strips types only',
    file: 'src/shared/enum-plant.ts',
    source: 'export enum E {\n  A,\n}\n',
    code: 'TS1294',
  },
  {
    guard: 'no parameter property',
    file: 'src/shared/property-plant.ts',
    source: 'export class C {\n  constructor(readonly x: number) {}\n}\n',
    code: 'TS1294',
  },
  {
    guard: 'an element of a list may be missing',
    file: 'src/shared/index-plant.ts',
    source: 'export const first = (x: string[]): string => x[0]\n',
    code: 'TS2322',
  },
  {
    guard: 'an optional field is absent, not undefined',
    file: 'src/shared/optional-plant.ts',
    source: 'export const x: { a?: string } = { a: undefined }\n',
    code: 'TS2375',
  },
  {
    guard: 'null is not a string',
    file: 'src/shared/null-plant.ts',
    source: 'export const x: string = null\n',
    code: 'TS2322',
  },
  {
    guard: 'an unhandled case does not reach unreachable()',
    file: 'src/shared/unreachable-plant.ts',
    source:
      "import { unreachable } from './clean.ts'\n\nexport function f(x: 'a' | 'b'): number {\n  if (x === 'a') return 1\n  return unreachable(x)\n}\n",
    code: 'TS2345',
  },
  {
    guard: 'no unused local',
    file: 'src/shared/unused-plant.ts',
    source: 'export function f(): void {\n  const x = 1\n}\n',
    code: 'TS6133',
  },
]

/** Files that follow every rule, one for each project. */
export const typeControls: Readonly<Record<string, string>> = {
  'src/shared/clean.ts':
    'export type S = string\n\nexport function unreachable(value: never): never {\n  throw new Error(String(value))\n}\n',
  'src/main/clean.ts':
    "import { argv } from 'node:process'\nimport type { D } from '../../db/clean.ts'\nimport type { S } from '../shared/clean.ts'\n\nexport type M = S | D\nexport const x = argv\n",
  'src/renderer/clean.ts':
    "import type { S } from '../shared/clean.ts'\n\nexport type R = S\nexport const title = document.title\n",
  'src/preload/clean.ts': "import type { S } from '../shared/clean.ts'\n\nexport type P = S\n",
  'db/clean.ts': "import type { S } from '../src/shared/clean.ts'\n\nexport type D = S\n",
  'scripts/clean.ts': "import type { M } from '../src/main/clean.ts'\n\nexport type T = M\n",
}
