/** What stands where a request has the API URL of its server, when its files were opened at this station. No URL is such a word. */
export const byHandOrigin = 'by-hand'
