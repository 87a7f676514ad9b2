'use strict'

exports.handler = async (event) => {
  const { principalId, scope, expires } = event.requestContext.authorizer
  return {
    statusCode: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ hello: principalId, scope, expires }),
  }
}
