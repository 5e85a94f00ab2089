import { describe, expect, it } from 'vitest'
import { sampleNow, sampleToken } from '../../testing/sample-data.ts'
import { type ScenarioName, scenarios, theRequest } from '../../testing/scenarios.ts'
import { secondToken, thirdToken } from '../../testing/several-scenarios.ts'
import { type KeyViews, keyViews } from './key-view.ts'
import { askedTokens, pinsToSend } from './signing-pins.ts'

function keysIn(name: ScenarioName): KeyViews {
  const sheet = scenarios[name]().requests.get(theRequest)?.sheet
  if (sheet == null) throw new Error(`${name} has no sheet`)
  return keyViews(sheet, sampleNow)
}
const asked = (name: ScenarioName) =>
  askedTokens(keysIn(name)).map(({ token, opens }) => `${token.serial} ${opens ?? ''}`)
const typed = (token: typeof sampleToken, pin: string, useLastTry = false) => ({ token, pin, useLastTry })

describe('the tokens whose PINs are asked for', () => {
  it('are each there once, in the order of their keys, with the keys that they hold', () => {
    expect(asked('several-eight')).toEqual([
      '18204417 Opens keys 1 and 2.',
      '07550140 Opens key 3.',
      '23917755 Opens keys 4, 6, 7 and 8.',
    ])
  })

  it('are one for several keys of it, and none for a key in software', () => {
    expect(asked('several-one-token')).toEqual(['18204417 Opens keys 1 and 2.'])
    expect(asked('several-software')).toEqual(['18204417 Opens key 1.'])
    expect(asked('test-key')).toEqual([])
  })

  it('are as ever for a single key', () => {
    expect(asked('fine')).toEqual(['18204417 '])
  })

  it('are told apart by maker and model, too, not by the serial alone', () => {
    const [first] = keysIn('fine')
    const twin = { ...first, number: 2, token: { ...sampleToken, manufacturer: 'Somebody else' } }
    expect(askedTokens([first, twin])).toHaveLength(2)
  })
})

describe('what is sent', () => {
  it('has the PIN of the first key’s token by itself, and each other with its token', () => {
    expect(
      pinsToSend(keysIn('several-three'), [
        typed(sampleToken, '111111'),
        typed(secondToken, '222222222222'),
        typed(thirdToken, '333333', true),
      ]),
    ).toEqual({
      pin: '111111',
      useLastTry: false,
      furtherPins: [
        { token: secondToken, pin: '222222222222', useLastTry: false },
        { token: thirdToken, pin: '333333', useLastTry: true },
      ],
    })
  })

  it('never gives the PIN of a further key’s token as the first one’s', () => {
    const [first, second] = keysIn('several-two-tokens')
    if (second === undefined) throw new Error('there are two keys')
    const inSoftware = { ...first, token: null, software: true }
    expect(pinsToSend([inSoftware, second], [typed(secondToken, '222222222222')])).toEqual({
      pin: null,
      useLastTry: false,
      furtherPins: [{ token: secondToken, pin: '222222222222', useLastTry: false }],
    })
  })

  it('has no further PINs where one token holds every key', () => {
    expect(pinsToSend(keysIn('several-one-token'), [typed(sampleToken, '111111', true)])).toEqual({
      pin: '111111',
      useLastTry: true,
    })
    expect(pinsToSend(keysIn('test-key'), [])).toEqual({ pin: null, useLastTry: false })
  })
})
