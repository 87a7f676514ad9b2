'use strict'
const jwt = require('jsonwebtoken')

// The algorithm is fixed here and never taken from the token.
const rules = { algorithms: ['RS256'], issuer: process.env.ISSUER, audience: process.env.AUDIENCE }

exports.handler = async (event) => {
  let claims
  try {
    claims = jwt.verify(event.authorizationToken.replace(/^Bearer /, ''), process.env.PUBLIC_KEY, rules)
    if (!claims.sub || !claims.exp) throw new Error('sub and exp are required')
  } catch (error) {
    console.log(`token refused: ${error.message}`)
    // Exactly this message is answered with 401; any other would be a 500.
    throw new Error('Unauthorized')
  }
  // The answer is cached and then serves every method of this stage, so the policy names them all.
  const stage = event.methodArn.split('/').slice(0, 2).join('/')
  return {
    principalId: claims.sub,
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: `${stage}/*` }],
    },
    // Strings, numbers and booleans only; they reach the function as strings.
    context: { scope: claims.scope || '', expires: claims.exp },
  }
}
