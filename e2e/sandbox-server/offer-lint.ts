import type { JsonObject } from './exchange.ts'
import { type ServerState, violation } from './state.ts'

const tasks = 'noop|generatekey|sign|debsign|signrepositoryindex'
/** The families that the real worker gives (recorded: sign-uefi.0.16.2). `worker:class:` is believed of administrators only. */
const knownTag = new RegExp(
  `^worker:(?:task:(?:signing:(?:${tasks})|worker:[a-z]+):version:[1-9][0-9]*|cap:(?:sbsign|debsign)|type:signing|build-arch:[a-z0-9-]+|executor:[a-z]+)$`,
)
const knownKey: Readonly<Record<'0.11' | '0.16', RegExp>> = {
  '0.11': /^signing:(?:(?:noop|generatekey|sign|debsign):version|sign:available:uefi|debsign:available)$/,
  '0.16': new RegExp(`^signing:(?:(?:${tasks}):version|sign:available:uefi|debsign:available)$`),
}

/**
 * Looks at what a worker says that it can do. The real server takes any object and answers 204; what it cannot read it passes over
 * without a word, or falls over later, so that a misspelt offer looks like a station without work.
 */
export function lintOffer(state: ServerState, offer: JsonObject): void {
  const wrong = (text: string) => violation(state, 'offer-not-understood', text)
  // 0.11 falls over as soon as work is pending (recorded: probe-narrow-metadata).
  if (offer['system:worker_type'] !== 'signing') wrong('system:worker_type is not "signing"')
  for (const [name, value] of Object.entries(offer)) {
    if (name === 'provided_tags') lintTags(value, wrong)
    else if (!/^[a-z][a-z-]*:[a-z0-9:_-]+$/.test(name)) wrong(`${name} is in no namespace`)
    else if (name.startsWith('signing:') && !knownKey[state.dialect].test(name))
      wrong(`${name} is no key of this release`)
  }
  if (state.dialect === '0.16' && !Array.isArray(offer['provided_tags'])) wrong('there are no provided_tags')
}

function lintTags(tags: unknown, wrong: (text: string) => void): void {
  if (!Array.isArray(tags)) return wrong('provided_tags is not a list')
  for (const tag of tags)
    if (typeof tag !== 'string' || !knownTag.test(tag)) wrong(`no tag of a worker: ${String(tag)}`)
  if (new Set(tags).size !== tags.length) wrong('a tag is given twice')
}
