import { z } from 'zod'

const result = z.union([
  z.object({ ok: z.literal(true), value: z.map(z.string(), z.string()) }),
  z.object({ ok: z.literal(false), error: z.string() }),
])
const scripts = z.object({
  unpackPackages: z.function({ input: [z.string(), z.array(z.string())], output: z.promise(result) }),
  libraryPath: z.function({ input: [z.map(z.string(), z.string())], output: z.promise(z.string()) }),
})

/** Where the maker's library is, for `LD_LIBRARY_PATH`: Debian 12 has no package of it, and runs that of Debian 13 unpacked. */
export async function libyubihsmFolder(): Promise<{ readonly path: string } | { readonly missing: string }> {
  // The scripts are another TypeScript project, so their types are not in reach; the schema above stands in for them.
  const file = new URL('../../../../../scripts/debian-packages.ts', import.meta.url).href
  const { unpackPackages, libraryPath } = scripts.parse(await import(file))
  const unpacked = await unpackPackages('trixie', ['libyubihsm2'])
  return unpacked.ok ? { path: await libraryPath(unpacked.value) } : { missing: unpacked.error }
}
