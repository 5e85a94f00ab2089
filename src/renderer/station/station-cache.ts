import { QueryClient } from '@tanstack/react-query'

/**
 * The query cache of one window. Main is a local process: nothing is retried, nothing goes stale with time, and the network
 * being down says nothing about it.
 */
export function stationCache(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: false,
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        networkMode: 'always',
      },
    },
  })
}
