/**
 * Which provider an address belongs to, and what is known of the servers there.
 *
 * The rule easy to break: an address that is not known here is nobody's, so nothing is added to its requests.
 */

const HOSTS: readonly (readonly [RegExp, string])[] = [
  [/^(?:[a-z]{2}\.)?api\.openai\.com$/, 'openai'],
  [/\.openai\.azure\.com$|\.services\.ai\.azure\.com$|\.cognitiveservices\.azure\.com$/, 'openai'],
  [/^api\.anthropic\.com$/, 'anthropic'],
  [/^generativelanguage\.googleapis\.com$/, 'gemini'],
  [/^api\.groq\.com$/, 'groq'],
  [/^(?:[a-z0-9-]+\.)?api\.x\.ai$/, 'xai'],
];

/** Where AgentWatch itself sends a provider's calls: only an address it would reach too can go through it. */
const PROXIED_HOSTS: Readonly<Record<string, string>> = {
  'api.openai.com': 'openai',
  'api.anthropic.com': 'anthropic',
  'generativelanguage.googleapis.com': 'gemini',
  'api.groq.com': 'groq',
  'api.x.ai': 'xai',
};

/** Its older versions refuse a request that asks for usage in a stream, and so do some of its features. */
const AZURE = /\.azure\.com$/;

export function providerOf(address: string): string | null {
  const host = hostOf(address);
  if (host === null) return null;
  if (AZURE.test(host) && parsed(address)?.pathname.startsWith('/anthropic') === true) return 'anthropic';
  return HOSTS.find(([names]) => names.test(host))?.[1] ?? null;
}

/** The same request through AgentWatch; null where it does not know the address. */
export function proxiedURL(address: string, baseURL: string): string | null {
  const url = parsed(address);
  if (url === null || url.protocol !== 'https:') return null;
  const provider = Object.hasOwn(PROXIED_HOSTS, url.host) ? PROXIED_HOSTS[url.host] : undefined;
  if (provider === undefined) return null;
  return `${baseURL}/v1/proxy/${provider}${url.pathname}${url.search}`;
}

/** Does a server there take `stream_options.include_usage`? Some compatible ones answer 400 to it. */
export function takesIncludeUsage(address: string): boolean {
  if (AZURE.test(hostOf(address) ?? '')) return false;
  const provider = providerOf(address);
  return provider === 'openai' || provider === 'groq' || provider === 'xai';
}

function hostOf(address: string): string | null {
  return parsed(address)?.hostname ?? null;
}

function parsed(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
