// HTTP/2 with Node's own client, on one connection.

import { connect } from 'node:http2';
import { check, done, plan, step } from './steps.mjs';

const session = connect(plan.url);

function request(method, path, authorization, body) {
  const stream = session.request({ ':method': method, ':path': path, authorization });
  return new Promise((resolve, reject) => {
    let headers;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (got) => (headers = got));
    stream.on('data', (part) => (text += part));
    stream.on('end', () => resolve({ status: headers[':status'], headers, text }));
    // If the upload was already answered, the server does not want the rest of it.
    stream.on('error', (error) => (headers ? resolve({ status: headers[':status'], headers, text }) : reject(error)));
    stream.end(body);
  });
}

const bearer = (name) => `Bearer ${plan.keys[name]}`;

await step('one connection serves allowed and denied requests', async () => {
  const allowed = await request('GET', '/v1/balance', bearer('secret'));
  const denied = await request('GET', '/v1/balance', bearer('nobody'));
  const user = Buffer.from(`${plan.keys.nobody}:`).toString('base64');
  const basic = await request('GET', '/v1/balance', `Basic ${user}`);
  check([allowed.status, denied.status, basic.status], [200, 401, 401]);
  check(denied.headers['www-authenticate'], 'Bearer realm="Stripe"');
  check(basic.headers['www-authenticate'], 'Basic realm="Stripe"');
  check(denied.headers['x-keyward-denied'], 'unknown_key');
});

await step('many at once, each judged by itself', async () => {
  const names = Array(10).fill(['support', 'publishable']).flat();
  const many = await Promise.all(names.map((name) => request('GET', '/v1/customers', bearer(name))));
  check(many.map((answer) => answer.status), Array(10).fill([200, 401]).flat());
  const denied = many.filter((answer) => answer.status === 401);
  check(new Set(denied.map((answer) => answer.headers['request-id'])).size, 10);
});

await step('an upload is denied before it is read', async () => {
  const upload = await request('POST', '/v1/files', bearer('deleted'), '%PDF-1.7 evidence'.repeat(1000));
  check(upload.status, 401);
  check(JSON.parse(upload.text).error.code, 'api_key_expired');
});

session.close();
done();
