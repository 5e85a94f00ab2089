import { createContext, type ReactNode, use, useEffect, useEffectEvent, useState } from 'react'
import { useStation, useStationEvent } from '../../station/station-context.tsx'
import { OpenFilesDialog } from './OpenFilesDialog.tsx'

const ByHandContext = createContext<(paths: readonly string[]) => void>(() => {})

/** Opens the dialog in which files of this machine are taken to be signed. */
export function useOpenFiles(): (paths: readonly string[]) => void {
  return use(ByHandContext)
}

/**
 * Files come by a button, dropped anywhere on the window, or from the command line. All of them end in one dialog, and nothing of a file is
 * read before a person has said there what it is to be signed as.
 */
export function ByHandProvider({ children }: { readonly children: ReactNode }) {
  const station = useStation()
  const [paths, setPaths] = useState<readonly string[] | null>(null)
  const offer = (more: readonly string[]) => setPaths((before) => [...new Set([...(before ?? []), ...more])])
  const takeOffered = useEffectEvent(async () => {
    const offered = await station.handOffered()
    if (offered.ok && offered.value.length > 0) offer(offered.value)
  })
  const takeDropped = useEffectEvent(async (files: readonly File[]) => {
    const dropped = await station.pathsOf(files)
    if (dropped.length > 0) offer(dropped)
  })
  useStationEvent('hand.offered', () => void takeOffered())
  useEffect(() => {
    void Promise.resolve().then(() => takeOffered())
  }, [])
  useEffect(() => {
    // The page's own script keeps the browser from opening what is dropped.
    const dropped = (event: DragEvent) => {
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length > 0) void takeDropped(files)
    }
    addEventListener('drop', dropped)
    return () => removeEventListener('drop', dropped)
  }, [])
  return (
    <ByHandContext value={offer}>
      {children}
      {paths === null ? null : <OpenFilesDialog paths={paths} onPaths={setPaths} onClose={() => setPaths(null)} />}
    </ByHandContext>
  )
}
