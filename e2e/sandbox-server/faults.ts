import type { RouteName } from './route-names.ts'

/** What goes wrong. `drop` before the call is served: nothing happened; after: it happened and the answer is lost. */
export type Fault =
  | { readonly kind: 'drop'; readonly when: 'before' | 'after' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'delay-until'; readonly ready: () => Promise<void> } // served once that is settled
  | { readonly kind: 'status'; readonly status: number; readonly body?: string; readonly contentType?: string }
  | { readonly kind: 'redirect'; readonly status: 301 | 302 | 307 | 308; readonly location: string }
  | { readonly kind: 'json'; readonly value: unknown } // 200 with a body that the real server would not send
  | { readonly kind: 'truncate'; readonly afterBytes: number } // the connection breaks in the middle of the body
  | { readonly kind: 'corrupt' } // one bit of the body is flipped; length and headers are right
  | { readonly kind: 'endless' } // body without end, in spite of the declared size
  | { readonly kind: 'server-lost'; readonly when: 'before' | 'after' } // the whole server is gone until it is brought back

export interface FaultRule {
  readonly route: RouteName
  /** Strikes at this call of the route, counted from when the rule was added; 1 is the next one. */
  readonly nth: number
  /** How many calls in a row; `Infinity` until cleared. */
  readonly times: number
  readonly fault: Fault
}

export interface Faults {
  add(rule: { readonly route: RouteName; readonly fault: Fault; readonly nth?: number; readonly times?: number }): void
  clear(): void
  /** Counts the call; the first rule that strikes wins. */
  strike(route: RouteName): Fault | null
}

export function createFaults(): Faults {
  let rules: { rule: FaultRule; calls: number }[] = []
  return {
    add: (rule) => rules.push({ rule: { nth: 1, times: 1, ...rule }, calls: 0 }),
    clear: () => {
      rules = []
    },
    strike(route) {
      let struck: Fault | null = null
      for (const entry of rules) {
        if (entry.rule.route !== route) continue
        entry.calls += 1
        const due = entry.calls >= entry.rule.nth && entry.calls < entry.rule.nth + entry.rule.times
        if (due) struck ??= entry.rule.fault
      }
      return struck
    },
  }
}
