import type { Check } from '../../shared/check.ts'
import { isOpenPgp } from '../../shared/openpgp-purpose.ts'
import type { PolicyInput } from './policy-input.ts'

export function checkKeyRegistered({ key, registeredFor, fingerprint }: PolicyInput): Check {
  if (key !== null) {
    return {
      id: 'key-registered',
      outcome: 'passed',
      sentence: `The key is registered here as “${key.description}”.`,
      evidence: [{ subject: 'key', found: key.fingerprint, outcome: 'passed', source: 'station' }],
    }
  }
  return {
    id: 'key-registered',
    outcome: 'refused',
    sentence:
      registeredFor.length > 0
        ? 'A key with this fingerprint is registered here, but for another purpose.'
        : 'No key with this fingerprint is registered at this station.',
    evidence: [
      {
        subject: 'key',
        found:
          registeredFor.length > 0
            ? `${fingerprint} is registered for ${registeredFor.join(', ')}`
            : `${fingerprint} is not registered`,
        outcome: 'refused',
        source: 'station',
      },
    ],
  }
}

export function checkPurposeMatches({ key, purpose }: PolicyInput): Check {
  if (key === null)
    return {
      id: 'purpose-matches',
      outcome: 'not-applicable',
      sentence: 'There is no key to compare with.',
      evidence: [],
    }
  const usages = key.certificate.extendedKeyUsage
  const forbidsCodeSigning =
    usages.length > 0 && !usages.some((usage) => usage === 'codeSigning' || usage === '1.3.6.1.5.5.7.3.3')
  const evidence = [
    {
      subject: 'request',
      found: purpose,
      outcome: key.purpose === purpose ? 'passed' : 'refused',
      source: 'server',
    } as const,
    {
      subject: 'certificate',
      found: isOpenPgp(purpose)
        ? 'an OpenPGP certificate whose key signs'
        : usages.length === 0
          ? 'no extended key usage: not restricted'
          : `extended key usage: ${usages.join(', ')}`,
      outcome: forbidsCodeSigning ? 'refused' : 'passed',
      source: 'station',
    } as const,
  ]
  const refused = evidence.some((piece) => piece.outcome === 'refused')
  return {
    id: 'purpose-matches',
    outcome: refused ? 'refused' : 'passed',
    sentence: refused
      ? 'The key is not meant for what it is asked to sign.'
      : `The key is registered for ${purpose}, and its certificate allows it.`,
    evidence,
  }
}

export function checkKeyActive({ key }: PolicyInput): Check {
  if (key === null)
    return { id: 'key-active', outcome: 'not-applicable', sentence: 'There is no key to use.', evidence: [] }
  return key.state === 'active'
    ? { id: 'key-active', outcome: 'passed', sentence: 'The key is active.', evidence: [] }
    : {
        id: 'key-active',
        outcome: 'refused',
        sentence: `The key is ${key.state}. It signs nothing until a custodian makes it active again.`,
        evidence: [{ subject: 'key', found: key.state, outcome: 'refused', source: 'station' }],
      }
}

export function checkTokenPresent({ key, token }: PolicyInput): Check {
  if (key === null)
    return { id: 'token-present', outcome: 'not-applicable', sentence: 'There is no key to look for.', evidence: [] }
  const where =
    key.home.kind === 'token'
      ? `${key.home.token.manufacturer} ${key.home.token.model} ${key.home.token.serial}`
      : 'software key store'
  return token.kind === 'usable'
    ? {
        id: 'token-present',
        outcome: 'passed',
        sentence:
          key.home.kind === 'token'
            ? 'The token with this key is here, and the public key read back from it is the registered one.'
            : 'The software key can be opened.',
        evidence: [{ subject: where, found: 'present, public key as registered', outcome: 'passed', source: 'token' }],
      }
    : {
        id: 'token-present',
        // A foreign key under the registered id cannot become right by waiting; an absent token can.
        outcome: token.failure.kind === 'unavailable' ? 'unknown' : 'refused',
        sentence: token.failure.message,
        evidence: [
          {
            subject: where,
            found: token.failure.code,
            outcome: token.failure.kind === 'unavailable' ? 'unknown' : 'refused',
            source: 'token',
          },
        ],
      }
}
