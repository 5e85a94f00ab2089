import { readFileSync } from 'node:fs'
import { z } from 'zod'

const vectorFile = z.strictObject({
  comment: z.string(),
  vectors: z.array(
    z.strictObject({
      suite: z.enum(['bookworm', 'trixie']),
      package: z.string(),
      version: z.string(),
      architecture: z.literal('amd64'),
      file: z.string(),
      size: z.int(),
      authenticodeSha256: z.string().regex(/^[0-9a-f]{64}$/),
      agreedBy: z.array(z.enum(['osslsigncode', 'pesign', 'hash-to-efi-sig-list'])).min(2),
    }),
  ),
})
export type Vector = z.infer<typeof vectorFile>['vectors'][number]

/** Files of Debian packages and the digests that tools of others computed for them. */
export function readVectors(): readonly Vector[] {
  const text = readFileSync(new URL('../testdata/authenticode.vectors.json', import.meta.url), 'utf8')
  return vectorFile.parse(JSON.parse(text)).vectors
}

const efiFiles = z.object({
  files: z.array(z.object({ name: z.string(), path: z.string(), package: z.string(), version: z.string() })),
  missing: z.array(z.object({ package: z.string(), reason: z.string() })),
})
const fetchers = z.object({
  fetchEfiFiles: z.function({ input: [], output: z.promise(efiFiles) }),
  fetchTrixieEfiFiles: z.function({ input: [], output: z.promise(efiFiles) }),
  fetchKernelImages: z.function({ input: [], output: z.promise(efiFiles) }),
})

export type Found = { readonly path: string } | { readonly missing: string }

/** Looks for a vector's file among what this machine's package sources give now. */
export async function debianImages(): Promise<
  (vector: Pick<Vector, 'suite' | 'package' | 'version' | 'file'>) => Found
> {
  // The scripts are another TypeScript project, so their types are not in reach; the schema above stands in for them.
  const scripts = fetchers.parse(await import(new URL('../../../../../scripts/efi-files.ts', import.meta.url).href))
  const [loaders, kernels] = [await scripts.fetchEfiFiles(), await scripts.fetchKernelImages()]
  const bookworm = {
    files: [...loaders.files, ...kernels.files],
    missing: [...loaders.missing, ...kernels.missing],
  }
  const trixie = await scripts.fetchTrixieEfiFiles()
  return ({ suite, package: name, version, file }) => {
    const { files, missing } = suite === 'bookworm' ? bookworm : trixie
    const reason = missing.find((entry) => entry.package === name)?.reason
    if (reason !== undefined) return { missing: `${name}: ${reason}` }
    const own = files.filter((entry) => entry.package === name)
    const moved = own.find((entry) => entry.version !== version)
    if (own.length === 0) return { missing: `${name} is not among the packages that are fetched` }
    if (moved !== undefined) return { missing: `${name} is ${moved.version} now, the vector is of ${version}` }
    const found = own.find((entry) => entry.name === file)
    return found === undefined ? { missing: `${name} ${version} does not hold ${file}` } : { path: found.path }
  }
}
