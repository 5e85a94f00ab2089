import { describe, expect, test } from 'vitest'
import { workRequestId } from '../../../shared/ids.ts'
import type { WaitingTask } from '../../../shared/waiting.ts'
import { waitingCount, waitingTaskView } from './waiting-view.ts'

const common = {
  workRequestId: workRequestId.parse(54),
  workspace: 'signing',
  createdAt: '2026-11-20T10:10:58.633323Z',
  createdBy: 3,
  displayName: null,
  workflow: null,
}
const question: Extract<WaitingTask, { kind: 'confirm' }> = {
  kind: 'confirm',
  ...common,
  words: { confirmLabel: 'Sign it', denyLabel: 'Do not sign', denyAction: 'abort-workflow' },
  autoConfirm: false,
  unsettled: null,
}
const upload: Extract<WaitingTask, { kind: 'external-debsign' }> = {
  kind: 'external-debsign',
  ...common,
  upload: { artifactId: 48, source: 'hello', version: '2.10-3', distribution: 'unstable' },
  inHand: null,
  endedHere: null,
}

describe('what waits for a person', () => {
  test('says what a question holds up, and what a refusal does', () => {
    const workflow = { id: workRequestId.parse(20), name: 'sid-upload', about: 'hello_2.10-3' }
    expect(waitingTaskView({ ...question, workflow }).facts).toEqual([
      { label: 'Holds up', value: 'Workflow sid-upload (#20): hello_2.10-3' },
      { label: 'Where', value: '#54 in signing, made by user 3' },
      { label: 'If refused', value: 'Refusing aborts the whole workflow.' },
    ])
    expect(waitingTaskView({ ...question, autoConfirm: true }).facts.at(-1)?.value).toContain('confirms where nothing')
  })
  test('says that an answer is open, and whose it was', () => {
    const unsettled = { confirm: false, operator: 'Zoë', at: '2026-11-20T10:10:58.633Z' }
    expect(waitingTaskView({ ...question, unsettled }).note).toContain('Zoë answered no')
  })
  test('names an upload by source and version, and says when it was decided here', () => {
    expect(waitingTaskView(upload)).toMatchObject({ title: 'hello 2.10-3', what: 'Your signature', note: null })
    expect(waitingTaskView({ ...upload, endedHere: 'declined' }).note).toContain('a decision is final')
    expect(waitingTaskView({ ...upload, upload: null, displayName: 'Wait for 48' }).title).toBe('Wait for 48')
  })
  test('counts what a person can do something about', () => {
    const unsettled = { confirm: true, operator: 'Zoë', at: '2026-11-20T10:10:58.633Z' }
    const tasks = [question, { ...question, unsettled }, upload, { ...upload, endedHere: 'declined' as const }]
    expect(waitingCount(tasks)).toBe(2)
  })
})
