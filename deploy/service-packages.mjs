/** Makes the optional packages of the service dependencies of the package.json here, for an image that has nothing else. */
import { readFileSync, writeFileSync } from 'node:fs';

const SERVICE = /^(@aws-sdk\/client-s3|@fastify\/.+|bullmq|fastify|ioredis|ipaddr\.js|pino|prom-client)$/;

const description = JSON.parse(readFileSync('package.json', 'utf8'));
const { devDependencies, peerDependencies, peerDependenciesMeta, scripts, ...rest } = description;
const service = Object.entries(peerDependencies).filter(([name]) => SERVICE.test(name));
rest.dependencies = { ...rest.dependencies, ...Object.fromEntries(service) };
writeFileSync('package.json', `${JSON.stringify(rest, null, 2)}\n`);
