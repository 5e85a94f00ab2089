/** Fields that the station writes anew or takes out of a `.changes`, where the server says what they are. Others named `Debusine-*` stay. */
export const replacedField = /^debusine-(?:user|workflow|work-request)$/i
