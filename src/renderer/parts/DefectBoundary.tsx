import { Component, type ReactNode } from 'react'
import { Button } from '../design/Button.tsx'
import { FailureNotice } from '../design/Notice.tsx'
import { failureFrom } from '../station/station-failure.ts'

type Props = { readonly children: ReactNode }
type State = { readonly cause: unknown; readonly failed: boolean }

/** A screen that throws is replaced by a page that says so: an empty window would leave the operator guessing what was done. */
export class DefectBoundary extends Component<Props, State> {
  override state: State = { cause: null, failed: false }

  static getDerivedStateFromError(cause: unknown): State {
    return { cause, failed: true }
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children
    const { detail } = failureFrom(this.state.cause)
    return (
      <main className="app-waiting">
        <h1>This window made a mistake</h1>
        <FailureNotice
          failure={{
            kind: 'defect',
            code: 'screen-failed',
            message:
              'A screen could not be drawn. Nothing was approved by it; what was begun before goes on in the station and is in the audit log.',
            ...(detail === undefined ? {} : { detail }),
          }}
          actions={
            <Button autoFocus onPress={() => location.reload()}>
              Draw the window anew
            </Button>
          }
        />
      </main>
    )
  }
}
