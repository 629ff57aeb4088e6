/** What a document of ours says. The rule easy to break: what is not known is absent, and never null. */

/** The document without what is not known. */
export function said(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== null && value !== undefined));
}
