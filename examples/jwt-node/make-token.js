'use strict'
// Prints a signed token. Makes a key pair in keys/ first when there is none.
// usage: node make-token.js [--subject NAME] [--scope TEXT] [--seconds N] [--issuer URL] [--audience NAME]
const { generateKeyPairSync } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const jwt = require('./authorizer/node_modules/jsonwebtoken')

const { values } = parseArgs({
  options: {
    subject: { type: 'string', default: 'alice' },
    scope: { type: 'string', default: 'read' },
    seconds: { type: 'string', default: '3600' },
    issuer: { type: 'string', default: 'https://issuer.example' },
    audience: { type: 'string', default: 'jwt-example' },
  },
})

const folder = join(__dirname, 'keys')
const privateFile = join(folder, 'private.pem')
if (!existsSync(privateFile)) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(privateFile, privateKey, { mode: 0o600 })
  writeFileSync(join(folder, 'public.pem'), publicKey)
}

// A negative number of seconds makes a token that has expired already.
const now = Math.floor(Date.now() / 1000)
const claims = { scope: values.scope, iat: now, exp: now + Number(values.seconds) }
console.log(jwt.sign(claims, readFileSync(privateFile), {
  algorithm: 'RS256', subject: values.subject, issuer: values.issuer, audience: values.audience,
}))
