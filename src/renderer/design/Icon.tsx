/** Shapes of 16 × 16, drawn with lines in the colour of the text. */
const paths = {
  requests: 'M3 2.5h10v11H3zM5.5 5.5h5M5.5 8h5M5.5 10.5h3',
  keys: 'M10.2 9.2a3.6 3.6 0 1 0-3.4-3.4L2.5 10.1v3.4h3.2v-2h2v-1.6zM11 5h.01',
  ceremony: 'M8 1.8l5 2v4c0 3-2 5.2-5 6.4-3-1.2-5-3.4-5-6.4v-4zM5.8 7.8l1.7 1.7 2.9-3.2',
  audit: 'M3 3.5h10M3 8h10M3 12.5h10M1 3.5h.01M1 8h.01M1 12.5h.01',
  settings: 'M2 4.5h7M12 4.5h2M2 11.5h2M7 11.5h7M10.5 3v3M5.5 10v3',
  passed: 'M3 8.5l3.2 3.2L13 4.8',
  attention: 'M8 2.2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.01',
  refused: 'M4 4l8 8M12 4l-8 8',
  unknown: 'M5.6 5.8A2.5 2.5 0 1 1 8 8.8v1.1M8 12.6v.01',
  'not-applicable': 'M4 8h8',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4 14 14',
  back: 'M9.5 3 4.5 8l5 5',
  chevron: 'M6 3.5 10.5 8 6 12.5',
  lock: 'M4 7.5h8v6H4zM5.5 7.5V5.2a2.5 2.5 0 0 1 5 0v2.3',
  token: 'M5 6.5h6v7H5zM6 6.5v-4h4v4M8 9.5v1.5',
  server: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01',
  touch: 'M8 5.2v5M8 10.2 6 8.8M8 2.2a3 3 0 0 1 3 3M5 5.2a3 3 0 0 1 3-3M4.5 13.5h7',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3',
  plus: 'M8 3v10M3 8h10',
  file: 'M4 1.8h5l3.2 3.2v9.2H4zM9 1.8V5h3.2',
} as const

export type IconName = keyof typeof paths

/** Decoration only: the words beside it say the same. */
export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={paths[name]}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
