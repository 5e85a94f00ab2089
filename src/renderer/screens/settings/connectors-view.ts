import type { Draft } from './settings-view.ts'

/** Whether a CA for connectors means anything, or is there and has to be seen. */
export function needsCa({ connectors, connectorCa }: Pick<Draft, 'connectors' | 'connectorCa'>): boolean {
  return connectorCa !== '' || connectors.some((connector) => connector.trim().startsWith('https:'))
}
