import type { CeremonyKey } from '../../../shared/ceremony.ts'
import type { CeremonyStep } from '../../../shared/ceremony-script.ts'
import type { Failure } from '../../../shared/failure.ts'
import { fingerprint } from '../../../shared/ids.ts'
import type { GenerationPlan } from '../../../shared/key-generation.ts'
import { tokenKind } from '../../../shared/key-place.ts'
import { isOpenPgp } from '../../../shared/openpgp-purpose.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { canonicalText } from '../../canonical/canonical-json.ts'
import { bringCertificate, continueGeneration } from '../../keys/finish-generation.ts'
import { generateOnToken } from '../../keys/generate-key.ts'
import { listGenerations, type StoredGeneration } from '../../keys/generation.repository.ts'
import type { GenerationPorts, GenerationSecrets } from '../../keys/generation-ports.ts'
import type { StoredKey } from '../../keys/key.repository.ts'
import { randomSerial } from '../../keys/key-maker.ts'
import { registerKey } from '../../keys/register-key.ts'
import { readCertificate } from '../../pki/x509.ts'
import { tokenFailure } from '../../token/failures.ts'
import type { HsmService } from '../../token/hsm-service.ts'
import type { TokenKeyMaker } from '../../token/token-service.ts'
import { type Act, type Attempt, fact, type Performed } from '../ports.ts'
import { ceremonyKeyOf, certificateOf, publicKey } from './key-evidence.ts'
import { incomplete, wordsOf } from './look.ts'
import { deviceOf, keyOf, objectNumber, pinOf } from './whose.ts'

// A key is made by the same act as everywhere (docs/flows/generate-key.md): with its own intent, its own incident, and its own way back.

export const generateKey: Act<'generate-key'> = async (attempt) => {
  const { ports, step, records, operator } = attempt
  const device = deviceOf(records, step.device)
  if (!device.ok) return device
  const plan = planOf(step, device.value.token)
  if (step.exportable && tokenKind(plan.token) !== 'yubihsm') return err(onlyYubihsm)
  const secrets = generationSecrets(attempt)
  if (!secrets.ok) return secrets
  const before = (await listGenerations(ports.db)).find(
    (each) =>
      each.begunAt >= attempt.since &&
      canonicalText(each.plan) === canonicalText(plan) &&
      !['failed', 'closed'].includes(each.state),
  )
  const made = await reached(attempt, plan, before, secrets.value)
  await ports.keysChanged()
  return made.ok ? performed(step.key, made.value) : made

  async function reached(
    { ports: all }: Attempt<'generate-key'>,
    wanted: GenerationPlan,
    earlier: StoredGeneration | undefined,
    typed: GenerationSecrets,
  ): Promise<Result<StoredGeneration, Failure>> {
    const own = generationPorts(all, step.exportable)
    const generation =
      earlier === undefined
        ? await generateOnToken(own, { plan: wanted, forRequest: null }, typed, operator)
        : earlier.state === 'made'
          ? await continueGeneration(own, earlier.id, typed, operator)
          : ok(earlier)
    if (!generation.ok) return generation
    const { state, failure } = generation.value
    if (state === 'registered' || state === 'awaiting-certificate') return generation
    return err(failure ?? unsettled)
  }
}

type GenerateStep = Extract<CeremonyStep, { kind: 'generate-key' }>

function planOf(step: GenerateStep, token: GenerationPlan['token']): GenerationPlan {
  const { purpose, description, production, objectId: ckaId, label, algorithm, policies, certificate } = step
  return { purpose, description, production, token, ckaId, label, algorithm, policies, certificate }
}

function generationSecrets({ ports, secrets }: Pick<Attempt, 'ports' | 'secrets'>): Result<GenerationSecrets, Failure> {
  const pin = pinOf(secrets)
  if (!pin.ok) return pin
  return ok({
    pin: pin.value,
    officerPin: secrets.officerPin,
    useLastTry: secrets.useLastTry,
    onSignal: ports.onSignal,
  })
}

function generationPorts(ports: Attempt['ports'], exportable: boolean): GenerationPorts {
  const { db, audit, now, shippedRoots, tokens } = ports
  return {
    db,
    audit,
    now,
    shippedRoots,
    serialNumber: randomSerial,
    tokens: exportable
      ? {
          list: (options) => tokens.list(options),
          openSession: (...args) => tokens.openSession(...args),
          openSessions: (...args) => tokens.openSessions(...args),
          reset: () => tokens.reset(),
          devicesChanged: (devices) => tokens.devicesChanged(devices),
          setModules: (paths) => tokens.setModules(paths),
          readPublicKey: (...args) => tokens.readPublicKey(...args),
          readAttestation: (...args) => tokens.readAttestation(...args),
          seeKey: (...args) => tokens.seeKey(...args),
          generationAbilities: (token) => tokens.generationAbilities(token),
          revealPublicKey: (...args) => tokens.revealPublicKey(...args),
          storeCertificate: (...args) => tokens.storeCertificate(...args),
          generateKey: exportableKey(ports.hsm),
        }
      : tokens,
  }
}

/** A key that a wrap key may take out is asked for by its capability, which PKCS#11 has no attribute of its own for. */
function exportableKey(hsm: HsmService): TokenKeyMaker['generateKey'] {
  return async ({ token, ckaId, label, algorithm }, login) => {
    if (algorithm === 'ed25519') return err({ ...tokenFailure('mechanism-unsupported'), keyMayExist: false })
    const opened = await hsm.open(token.serial, login.secret)
    if (!opened.ok) return err({ ...opened.error, keyMayExist: false })
    login.onSignal('login')
    try {
      const made = await opened.value.generateExportable({ objectId: objectNumber(ckaId), label, algorithm })
      // Once the device was asked, only its own word that it refused says that there is no key.
      const none = ['hsm-refused', 'hsm-not-permitted', 'id-occupied', 'pin-incorrect', 'token-swapped']
      if (!made.ok) return err({ ...made.error, keyMayExist: !none.includes(made.error.code) })
      return ok({ spki: made.value, local: true, sensitive: true, extractable: false })
    } finally {
      await opened.value.close()
    }
  }
}

function performed(name: string, generation: StoredGeneration): Result<Performed, Failure> {
  const { plan, spki, id, certificateRequest, certificateNotOnToken } = generation
  if (spki === null) return err(unsettled)
  const key: CeremonyKey = {
    name,
    purpose: plan.purpose,
    fingerprint: generation.fingerprint,
    token: plan.token,
    ckaId: plan.ckaId,
    algorithm: plan.algorithm,
    ...publicKey(spki),
    generation: id,
  }
  return ok({
    facts: [
      fact('Algorithm', plan.algorithm),
      fact('Device', `${plan.token.manufacturer} ${plan.token.model}, serial ${plan.token.serial}`),
      fact('Object', plan.ckaId),
      fact('Label', plan.label),
      fact('SHA-256 of the public key', key.spkiSha256, 'digest'),
      ...(generation.fingerprint === null
        ? []
        : [
            fact(
              isOpenPgp(plan.purpose) ? 'OpenPGP fingerprint' : 'SHA-256 of its certificate',
              generation.fingerprint.toLowerCase(),
              'digest',
            ),
          ]),
      ...(certificateNotOnToken === null ? [] : [fact('Certificate not on the device', certificateNotOnToken.message)]),
    ],
    files: [
      { name: `${name}-public-key.pem`, content: Buffer.from(key.spkiPem) },
      ...(certificateRequest === null
        ? []
        : [{ name: `${name}-request.pem`, content: Buffer.from(certificateRequest) }]),
    ],
    key,
  })
}

/** The key was put there by the maker's tool. It proves that it is there, and what it came from is on record. */
export const importKey: Act<'import-key'> = async (attempt) => {
  const { ports, step, input, records, operator, secrets, since } = attempt
  const device = deviceOf(records, step.device)
  if (!device.ok) return device
  const certificate = readCertificate(input.certificatePem)
  if (!certificate.ok) return certificate
  const pin = pinOf(secrets)
  if (!pin.ok) return pin
  const { purpose, description, production, objectId: ckaId } = step
  const { token } = device.value
  const registered = await registerKey(
    ports,
    {
      purpose,
      token,
      ckaId,
      certificatePem: input.certificatePem,
      description,
      production,
      pin: pin.value,
      useLastTry: secrets.useLastTry,
    },
    operator,
  )
  await ports.keysChanged()
  if (!registered.ok && registered.error.code !== 'key-known') return registered
  const print = fingerprint.parse(certificate.value.facts.sha256.toUpperCase())
  const stored = await certificateOf(ports, {
    ...publicKey(certificate.value.spki),
    name: step.key,
    purpose,
    fingerprint: print,
    token,
    ckaId,
    algorithm: certificate.value.facts.algorithm,
    generation: null,
  })
  if (!stored.ok) return stored
  const { home } = stored.value
  if (home.kind !== 'token' || home.token.serial !== token.serial || home.ckaId !== ckaId) return err(elsewhere)
  // Only what an earlier attempt of this step registered has proven itself in this ceremony: nobody asked the device now.
  if (!registered.ok && stored.value.createdAt < since) return registered
  const key = ceremonyKeyOf(step.key, stored.value, certificate.value.spki, null)
  if (!key.ok) return key
  return ok({
    facts: [
      fact('Origin, as the device says', stored.value.origin),
      fact('SHA-256 of the public key', key.value.spkiSha256, 'digest'),
      fact('SHA-256 of its certificate', print.toLowerCase(), 'digest'),
      fact('Proof of possession', 'The device signed a challenge of this moment, and the certificate verifies it.'),
    ],
    files: [{ name: `${step.key}-public-key.pem`, content: Buffer.from(key.value.spkiPem) }],
    key: key.value,
  })
}

/** The certificate, or the request for one, looked at by OpenSSL. A CA's certificate is brought, and registers the key. */
export const certificate: Act<'certificate'> = async (attempt) => {
  const { ports, step, input, records, operator } = attempt
  const key = keyOf(records, step.key)
  if (!key.ok) return key
  const registered = await certificateOf(ports, key.value)
  if (!registered.ok && !step.issued) return request(attempt, key.value)
  if (!registered.ok) {
    const { certificatePem } = input
    const { generation } = key.value
    if (certificatePem === null) return err(incomplete('The certificate that the CA issued is not there.'))
    const id = (await listGenerations(ports.db)).find((each) => each.id === generation)?.id
    if (id === undefined) return registered
    const secrets = generationSecrets(attempt)
    if (!secrets.ok) return secrets
    const brought = await bringCertificate(
      generationPorts(ports, false),
      { id, certificatePem },
      secrets.value,
      operator,
    )
    await ports.keysChanged()
    if (!brought.ok) return brought
  }
  const stored = await certificateOf(ports, key.value)
  if (!stored.ok) return stored
  if (isOpenPgp(stored.value.purpose)) return openPgpCertificate(step.key, stored.value)
  const read = readCertificate(stored.value.certificatePem)
  if (!read.ok) return read
  const { facts } = read.value
  const name = `${step.key}-certificate.pem`
  const args = facts.selfSigned
    ? ['verify', '-check_ss_sig', '-CAfile', name, name]
    : ['x509', '-in', name, '-noout', '-subject', '-issuer', '-serial']
  const verdict = await ports.openssl.ask(
    { [name]: stored.value.certificatePem },
    args,
    facts.selfSigned ? 'OK' : 'subject',
  )
  if (!verdict.ok) return verdict
  const whole = ceremonyKeyOf(step.key, stored.value, read.value.spki, key.value.generation)
  if (!whole.ok) return whole
  return ok({
    facts: [
      fact('Subject', facts.subject),
      fact('Issuer', facts.issuer),
      fact('Serial number', facts.serial),
      fact('Valid from', facts.notBefore),
      fact('Valid until', facts.notAfter),
      fact('SHA-256 of the certificate', facts.sha256, 'digest'),
      fact('Looked at by', verdict.value.version),
      fact('Command', verdict.value.command),
      fact('It said', verdict.value.output, 'lines'),
    ],
    files: [{ name, content: Buffer.from(stored.value.certificatePem) }],
    key: whole.value,
  })
}

/** Its own signatures were verified by other code when it was made; the file is for gpg, sq and the like. */
function openPgpCertificate(
  name: string,
  { certificatePem, fingerprint: print, description }: StoredKey,
): Result<Performed, Failure> {
  return ok({
    facts: [
      fact('Kind', 'OpenPGP certificate'),
      fact('Description', description),
      fact('Fingerprint', print.toLowerCase(), 'digest'),
      fact('The same in words', wordsOf(print.toLowerCase()), 'words'),
    ],
    files: [{ name: `${name}-certificate.asc`, content: Buffer.from(certificatePem) }],
  })
}

async function request({ ports, step }: Attempt<'certificate'>, key: CeremonyKey): Promise<Result<Performed, Failure>> {
  const generation = (await listGenerations(ports.db)).find((each) => each.id === key.generation)
  const pem = generation?.certificateRequest ?? null
  if (pem === null) return err(noRequest)
  const name = `${step.key}-request.pem`
  const verdict = await ports.openssl.ask(
    { [name]: pem },
    ['req', '-in', name, '-verify', '-noout', '-subject'],
    'verify OK',
  )
  if (!verdict.ok) return verdict
  return ok({
    facts: [
      fact('Certificate request (PKCS#10)', pem, 'lines'),
      fact('Its signature was verified by', verdict.value.version),
      fact('Command', verdict.value.command),
      fact('It said', verdict.value.output, 'lines'),
    ],
  })
}

const unsettled: Failure = {
  kind: 'unavailable',
  code: 'generation-unsettled',
  message:
    'Whether the device made the key is not known. Look at it under Keys & tokens and close the incident there; then try this step again, or record a deviation.',
}
const onlyYubihsm: Failure = {
  kind: 'refused',
  code: 'no-yubihsm',
  message: 'Only a YubiHSM makes keys that may leave under a wrap key. No key was made.',
}
const elsewhere: Failure = {
  kind: 'refused',
  code: 'key-elsewhere',
  message:
    'A key with this certificate is registered already, on another device or under another id. Nothing was changed.',
}
const noRequest: Failure = {
  kind: 'refused',
  code: 'no-certificate',
  message: 'The key has neither a certificate nor a request for one. Nothing was done.',
}
