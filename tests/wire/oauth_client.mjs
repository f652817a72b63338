// oauth4webapi as installed from npm: discovery, code with PKCE, refresh, a call, revocation. Strict in all that the RFCs ask for.
// node oauth_client.mjs LIBRARY ISSUER CLIENT_ID CLIENT_SECRET|- REDIRECT_URI DATASET
// Prints the address for the user, reads the one that the user was sent back to, then prints a line a step.
import { createInterface } from 'node:readline/promises';
import { pathToFileURL } from 'node:url';

const [library, issuer, client_id, secret, redirect_uri, dataset] = process.argv.slice(2);
const oauth = await import(pathToFileURL(library));
const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2' }));
const client = { client_id };
const auth = secret === '-' ? oauth.None() : oauth.ClientSecretBasic(secret);
const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();

const ask = new URL(as.authorization_endpoint);
for (const [name, value] of Object.entries({ client_id, redirect_uri, response_type: 'code', state, scope: 'read append', code_challenge_method: 'S256',
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier) })) ask.searchParams.set(name, value);
console.log(ask.href);
const lines = createInterface({ input: process.stdin });
const back = new URL((await lines[Symbol.asyncIterator]().next()).value);
lines.close();

const parameters = oauth.validateAuthResponse(as, client, back, state); // looks at iss and state
let tokens = await oauth.processAuthorizationCodeResponse(as, client, await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, redirect_uri, verifier));
console.log('tokens', JSON.stringify({ type: tokens.token_type, scope: tokens.scope, expires_in: tokens.expires_in }));
if (tokens.refresh_token) {
  const old = tokens.access_token;
  tokens = await oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token));
  console.log('refresh', JSON.stringify(tokens.access_token !== old));
}
const call = (method, path, body) => oauth.protectedResourceRequest(tokens.access_token, method, new URL(path, issuer), new Headers({ 'content-type': 'application/json' }), body);
console.log('upsert', (await (await call('POST', `/resource/${dataset}.json`, JSON.stringify([{ k: 'from oauth4webapi' }]))).text()).trim());
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, tokens.access_token));
try {
  await call('GET', '/api/users/current.json');
  console.log('revoked', 'false');
} catch (error) { // it reads the challenge of the 401
  console.log('revoked', JSON.stringify(error.cause?.[0]?.parameters?.error ?? String(error)));
}
