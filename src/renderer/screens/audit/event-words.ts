import type { AuditEvent } from '../../../shared/audit.ts'
import type { Tone } from '../../design/Badge.tsx'

export const eventWords: Record<AuditEvent, { readonly text: string; readonly tone: Tone }> = {
  'station-created': { text: 'Station created', tone: 'neutral' },
  'station-started': { text: 'Station started', tone: 'neutral' },
  enrolled: { text: 'Enrolled', tone: 'neutral' },
  'duty-changed': { text: 'Duty changed', tone: 'neutral' },
  'key-generated': { text: 'Key made', tone: 'neutral' },
  'possession-challenged': { text: 'Key challenged', tone: 'neutral' },
  'key-registered': { text: 'Key registered', tone: 'neutral' },
  'key-state-changed': { text: 'Key state changed', tone: 'neutral' },
  'request-received': { text: 'Request received', tone: 'neutral' },
  'sheet-shown': { text: 'Sheet shown', tone: 'neutral' },
  approved: { text: 'Approved', tone: 'accent' },
  declined: { text: 'Declined', tone: 'neutral' },
  'login-failed': { text: 'Login failed', tone: 'attention' },
  intent: { text: 'Intent', tone: 'neutral' },
  signed: { text: 'Signed', tone: 'passed' },
  'sign-failed': { text: 'Signing failed', tone: 'refused' },
  returned: { text: 'Returned', tone: 'neutral' },
  'incident-opened': { text: 'Incident opened', tone: 'refused' },
  'incident-closed': { text: 'Incident closed', tone: 'attention' },
  'clock-moved-back': { text: 'Clock moved back', tone: 'attention' },
  'settings-changed': { text: 'Settings changed', tone: 'neutral' },
  'log-key-created': { text: 'Log key made', tone: 'neutral' },
}
