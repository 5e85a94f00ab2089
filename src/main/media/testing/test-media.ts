import { entryUrl } from '../../digest/entry-url.ts'
import type { After, MediaProcess } from '../folder-process.ts'
import { createMedia, type Media } from '../media.ts'

/** The real process, from source. */
export function mediaProcess(): MediaProcess {
  return {
    node: process.execPath,
    entry: entryUrl('media', new URL('../../index.ts', import.meta.url).href),
    log: () => {},
  }
}

export function testMedia(after?: After): Media {
  return createMedia(mediaProcess(), after)
}
