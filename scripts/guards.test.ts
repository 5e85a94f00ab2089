import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { lintControls, lintPlants } from './guards/lint-plants.ts'
import { compile, lint, overlay, repository } from './guards/overlay.ts'
import { typeControls, typePlants } from './guards/type-plants.ts'

// A guard that looked at nothing is green too. Every guard gets a planted violation in a small copy of the tree and must report it;
// the same tree with clean files alone must pass.

const folders: string[] = []
function tree(files: Iterable<readonly [string, string]>): string {
  const folder = overlay([...files])
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

describe('the linter', () => {
  const controls = Object.entries(lintControls)
  const planted = lint(tree([...controls, ...lintPlants.map((plant) => [plant.file, plant.source] as const)]))

  const guards = [...Map.groupBy(lintPlants, (plant) => plant.guard)]

  it.each(guards)('guards: %s', (_guard, plants) => {
    const missed = plants.filter((plant) => !(planted.found.get(plant.file) ?? []).includes(plant.rule))
    expect(missed).toEqual([])
  })

  it('fails as a whole', () => {
    expect(planted.status).toBe(1)
  })

  it('passes a tree that follows the rules', () => {
    const clean = lint(tree(controls.filter(([file]) => !file.includes('cycle'))))
    expect({ status: clean.status, found: [...clean.found] }).toEqual({ status: 0, found: [] })
  })

  it('has an import rule for every folder of main', () => {
    const config = readFileSync(join(repository, '.oxlintrc.json'), 'utf8')
    const folders = readdirSync(join(repository, 'src', 'main'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    )
    expect(folders.length).toBeGreaterThan(0)
    expect(folders.map((entry) => entry.name).filter((name) => !config.includes(`"src/main/${name}/`))).toEqual([])
  })

  it('plants a violation in every folder that has an import rule', () => {
    const config = readFileSync(join(repository, '.oxlintrc.json'), 'utf8')
    const ruled = [...config.matchAll(/"((?:src|db)\/[a-z0-9/-]*)\*[^"]*"/g)]
      .map((match) => match[1] ?? '')
      .filter((folder) => folder !== 'src/')
    expect(ruled.length).toBeGreaterThan(20)
    expect(ruled.filter((folder) => !lintPlants.some((plant) => plant.file.startsWith(folder)))).toEqual([])
  })
})

describe('the compiler', () => {
  const planted = compile(
    tree([...Object.entries(typeControls), ...typePlants.map((plant) => [plant.file, plant.source] as const)]),
  )

  it.each(typePlants.map((plant) => [plant.guard, plant] as const))('guards: %s', (_guard, plant) => {
    expect(planted.found.get(plant.file)).toContain(plant.code)
  })

  it('passes a tree that follows the rules', () => {
    const clean = compile(tree(Object.entries(typeControls)))
    expect({ status: clean.status, found: [...clean.found] }).toEqual({ status: 0, found: [] })
  })
})
