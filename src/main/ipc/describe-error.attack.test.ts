import { describe, expect, it } from 'vitest'
import { describeWithoutSecrets } from './describe-error.ts'

describe('an error that carries a PIN', () => {
  it.each(['123456', 'a"b\\c', 'tab\there', 'über\u2028'])(
    'is described without it, also where JSON escapes it: %j',
    (pin) => {
      const error = Object.assign(
        new Error(`C_Login(${pin})`, { cause: Object.assign(new Error('device'), { pin }) }),
        {
          request: { pin },
        },
      )
      const text = describeWithoutSecrets(error, { pin, requestId: 'x' })
      expect(text).not.toContain(pin)
      expect(text).not.toContain(JSON.stringify(pin).slice(1, -1))
      expect(text).toContain('C_Login([secret])')
    },
  )
})
