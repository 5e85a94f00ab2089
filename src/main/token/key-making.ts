import { err, type Result } from '../../shared/result.ts'
import type { Secret } from '../../shared/secret.ts'
import type { TokenId } from '../../shared/token.ts'
import type { HostProcess } from './host-process.ts'
import type { TokenFailure, TokenKeyMaker, TokenLogin } from './token-service.ts'

/** How the processes of tokens are reached: for a question, or taken for one act with a secret, after which the process ends. */
export interface TokenProcesses {
  askToken<T>(
    token: TokenId,
    ask: (host: HostProcess) => Promise<Result<T, TokenFailure>>,
  ): Promise<Result<T, TokenFailure>>
  useToken<T, E>(
    token: TokenId,
    secret: Secret,
    use: (host: HostProcess) => Promise<Result<T, E>>,
  ): Promise<Result<T, E | TokenFailure>>
}

/** Milliseconds after which a process that does not answer is killed. */
type Deadlines = { readonly list: number; readonly open: number; readonly generateOnToken: number }

export function createTokenKeyMaker(processes: TokenProcesses, deadlines: Deadlines): TokenKeyMaker {
  return {
    generationAbilities: (token) =>
      processes.askToken(token, (host) => host.call('generation-abilities', { token }, deadlines.list)),
    generateKey: async ({ token, ckaId, label, algorithm, policies }, login) => {
      // The process says so before it asks the module: without that word no key can be there. After it, only an answer that the
      // module gives before it begins says that none is.
      const asked = { yes: false }
      const body = { token, ckaId, label, algorithm, policies, ...loginBody(login) }
      const listener = {
        onSignal: login.onSignal,
        onGenerating: () => {
          asked.yes = true
        },
      }
      const made = await processes.useToken(token, login.secret, (host) =>
        host.call('generate', body, deadlines.generateOnToken, listener, login.secret),
      )
      return made.ok ? made : err({ ...made.error, keyMayExist: asked.yes && made.error.code !== 'generation-refused' })
    },
    revealPublicKey: ({ token, ckaId }, login) =>
      processes.useToken(token, login.secret, (host) =>
        host.call(
          'reveal-public-key',
          { token, ckaId, ...loginBody(login) },
          deadlines.open,
          { onSignal: login.onSignal },
          login.secret,
        ),
      ),
    storeCertificate: ({ token, ckaId, label, der, spkiSha256 }, login) =>
      processes.useToken(token, login.secret, (host) =>
        host.call(
          'store-certificate',
          { token, ckaId, label, certificate: der, spkiSha256, ...loginBody(login) },
          deadlines.open,
          { onSignal: login.onSignal },
          login.secret,
        ),
      ),
  }
}

function loginBody({ user, secret, useLastTry }: TokenLogin) {
  return { user, pinLength: secret.reveal().length, useLastTry }
}
