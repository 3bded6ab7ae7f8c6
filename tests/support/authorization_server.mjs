// A certified authorization server (oidc-provider) on loopback: `node authorization_server.mjs PACKAGE_FOLDER`.
// Prints its issuer. The line `rotate` on standard input gives it new signing keys, and prints `rotated`.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

console.info = console.warn; // standard output is for what is said above
const { default: Provider } = await import(`${process.argv[2]}/node_modules/oidc-provider/lib/index.js`);

const SCOPES = 'mail:read mail:attachments mail:statistics read write other';
const machine = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [], client_secret: 'machine-secret' };
const app = {
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: ['http://127.0.0.1:9/callback'],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
};
// A mail program's: every refresh token is good for one use.
const mail = {
  ...app,
  grant_types: [...app.grant_types, 'urn:ietf:params:oauth:grant-type:device_code'],
  redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
};
const isMail = (client) => client.clientId.startsWith('mail');
// What a client's tokens are is told by its name: opaque ones, and ones that end at once.
const clients = [
  { client_id: 'machine', ...machine },
  { client_id: 'machine-brief', ...machine },
  { client_id: 'machine-ecdsa', ...machine },
  { client_id: 'machine-opaque', ...machine },
  { client_id: 'app', ...app },
  { client_id: 'app-opaque', ...app },
  { client_id: 'mail', ...mail },
  { client_id: 'mail-brief', ...mail },
  { client_id: 'mail-secret', ...mail, token_endpoint_auth_method: 'client_secret_basic', client_secret: 'mail: secret+%' },
  { client_id: 'imap-server', ...machine, client_secret: 'imap-secret' },
  { client_id: 'resource-server', ...machine, client_secret: 'resource server: secret+%' },
];

const key = (type, options, algorithm) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: algorithm,
});
const keys = () => [key('rsa', { modulusLength: 2048 }, 'RS256'), key('ec', { namedCurve: 'P-256' }, 'ES256')];

const provider = (issuer) => new Provider(issuer, {
  clients,
  jwks: { keys: keys() },
  cookies: { keys: [randomUUID()] },
  scopes: ['openid', 'offline_access', 'mail'],
  extraTokenClaims: (ctx, token) => (isMail(ctx.oidc.client) ? { email: token.accountId } : undefined),
  issueRefreshToken: (ctx, client, source) => client.grantTypeAllowed('refresh_token') && (isMail(client) || source.scopes.has('offline_access')),
  rotateRefreshToken: (ctx) => isMail(ctx.oidc.client),
  expiresWithSession: (ctx, source) => !isMail(ctx.oidc.client) && !source.scopes.has('offline_access'),
  ttl: {
    AccessToken: (ctx, token, client) => token.resourceServer?.accessTokenTTL ?? (client.clientId.endsWith('-brief') && ctx.oidc.params.grant_type !== 'refresh_token' ? 2 : 3600),
  },
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: true },
    deviceFlow: { enabled: true },
    clientCredentials: { enabled: true },
    revocation: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId.endsWith('-server') },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, resource, client) => ({
        scope: SCOPES,
        audience: resource,
        accessTokenTTL: client.clientId.endsWith('-brief') ? 2 : 300,
        accessTokenFormat: client.clientId.endsWith('-opaque') ? 'opaque' : 'jwt',
        jwt: { sign: { alg: client.clientId.endsWith('-ecdsa') ? 'ES256' : 'RS256' } },
      }),
    },
  },
});

let current;
const server = createServer((request, response) => current.callback()(request, response));
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  current = provider(issuer);
  console.log(issuer);
  createInterface({ input: process.stdin }).on('line', () => {
    current = provider(issuer);
    console.log('rotated');
  }).on('close', () => process.exit(0));
});
