// Runs a Node.js handler: loads it, then takes events from file descriptor 3 and sends back what it returned or threw.
//
// Works with Node.js 18 to 24. Start-up time counts, so only modules that Node itself has loaded by now are imported here.
// What handlers can see (context, error objects, log lines, search order) follows AWS's own Node.js runtime interface client.
import { existsSync, readFileSync, readSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format, types } from "node:util";

const CHANNEL = 3;
const INVOKE = 1, READY = 17, RESULT = 18, ERROR = 19, FATAL_ERROR = 20;
const RESPONSE_BYTES_MAX = 6_291_556;
const FRAME_PREFIX_BYTES = 12;
const EXIT_UNHANDLED_REJECTION = 128, EXIT_UNCAUGHT_EXCEPTION = 129, EXIT_UNSETTLED_AWAIT = 13;

const env = process.env;
const own = { url: import.meta.url, path: fileURLToPath(import.meta.url) };
const require = createRequire(import.meta.url);

// From nodejs24.x on AWS's client awaits whatever a handler returns and knows no callbacks.
const callbacksGone = Number(/^AWS_Lambda_nodejs(\d+)\.x$/.exec(env.AWS_EXECUTION_ENV)?.[1] ?? 0) >= 24;

/** A failure that the runtime itself reports, with the error type AWS gives it. */
class Fault extends Error {
  constructor(kind, message) {
    super(message);
    Object.defineProperty(this, "name", { value: `Runtime.${kind}` });
    this.stack = this.stack.replace(/^Error/, this.name);
  }
}

// ---- frames
//
// Reads and writes block. Nothing is read while a handler works, so its timers and sockets run undisturbed; between events a blocked read
// stops them, as AWS's freeze does, and saves the way through the event loop.

let input = Buffer.allocUnsafeSlow(64 * 1024);
const output = Buffer.allocUnsafeSlow(64 * 1024);
let clock;

/** Somebody may have made the descriptor non-blocking: a child process that shares it, or process.stdout once it is used. */
function waitUnless(error) {
  if (error.code === "EINTR") return;
  if (error.code !== "EAGAIN") throw error;
  clock ??= new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(clock, 0, 0, 1);
}

function writeAll(descriptor, bytes, size) {
  for (let sent = 0; sent < size; ) {
    try {
      sent += writeSync(descriptor, bytes, sent, size - sent);
    } catch (error) {
      waitUnless(error);
    }
  }
}

function readAtLeast(filled, size) {
  if (input.length < size) {
    const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * input.length));
    input.copy(larger, 0, 0, filled);
    input = larger;
  }
  while (filled < size) {
    try {
      const count = readSync(CHANNEL, input, filled, input.length - filled, null);
      // The server has closed the channel: nobody waits for anything any more.
      if (count === 0) process.exit(0);
      filled += count;
    } catch (error) {
      if (error.code === "ECONNRESET") process.exit(0);
      waitUnless(error);
    }
  }
  return filled;
}

/** The server sends an event only after the answer to the last one, so what is read beyond the prefix belongs to this frame. */
function readEvent() {
  let filled = readAtLeast(0, FRAME_PREFIX_BYTES);
  const bodyStart = FRAME_PREFIX_BYTES + input.readUInt32LE(4);
  const end = bodyStart + input.readUInt32LE(8);
  filled = readAtLeast(filled, end);
  if (input[0] !== INVOKE || filled !== end) process.exit(1);
  return [input.utf8Slice(FRAME_PREFIX_BYTES, bodyStart).split("\0"), input.utf8Slice(bodyStart, end)];
}

function send(kind, errorType, body) {
  // The server takes an answer for the event it has sent last, and for no other.
  const header = `${requestId ?? ""}\0${errorType}`;
  const headerMax = 3 * header.length;
  let frame = output;
  if (FRAME_PREFIX_BYTES + headerMax + 3 * body.length > output.length)
    frame = Buffer.allocUnsafeSlow(FRAME_PREFIX_BYTES + headerMax + Buffer.byteLength(body));
  const headerSize = frame.utf8Write(header, FRAME_PREFIX_BYTES);
  const start = FRAME_PREFIX_BYTES + headerSize;
  let bodySize = frame.utf8Write(body, start);
  if (bodySize > RESPONSE_BYTES_MAX) {
    // One byte too many is all the server needs to refuse it, an error object of that size included.
    bodySize = RESPONSE_BYTES_MAX + 1;
    if (kind === ERROR) kind = RESULT;
  }
  frame.writeUInt32LE(kind, 0);
  frame.writeUInt32LE(headerSize, 4);
  frame.writeUInt32LE(bodySize, 8);
  writeAll(CHANNEL, frame, start + bodySize);
}

// ---- log lines

let requestId; // "undefined" in log lines before the first event, as on AWS
const jsonLogs = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";

function log(level, values) {
  const time = new Date().toISOString();
  const line = jsonLogs ? jsonLine(time, level, values) : `${time}\t${requestId}\t${level}\t${text(values)}`;
  const bytes = Buffer.from((line.includes("\n") ? line.replaceAll("\n", "\r") : line) + "\n");
  writeAll(1, bytes, bytes.length);
}

function text(values) {
  return values.length === 1 && typeof values[0] === "string" ? values[0] : format(...values);
}

function described(error) {
  const stackTrace = typeof error.stack === "string" ? linesOf(error.stack) : [];
  return { errorType: error.constructor?.name ?? "UnknownError", errorMessage: error.message, stackTrace };
}

function jsonLine(timestamp, level, values) {
  const line = { timestamp, level, requestId };
  if (values.length === 1) {
    line.message = values[0];
    try {
      return JSON.stringify(line, (_, value) => (value instanceof Error ? { ...described(value), ...value } : value));
    } catch {
      // It contains itself or a BigInt; what inspection makes of it can be written.
    }
  }
  line.message = format(...values);
  const error = values.find((value) => value instanceof Error);
  return JSON.stringify(error ? { ...line, ...described(error) } : line);
}

function patchConsole() {
  const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
  const least = levels.indexOf(env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
  levels.forEach((level, rank) => {
    console[level.toLowerCase()] = rank < least ? () => {} : (message, ...values) => log(level, [message, ...values]);
  });
  console.log = console.info;
}

// ---- errors

function isErrorLike(value) {
  return types.isNativeError(value) || [value?.name, value?.message, value?.stack].every((part) => part && typeof part === "string");
}

/** The lines of a stack, without the frames of this program. */
function linesOf(stack) {
  return stack.split("\n").filter((line) => !line.includes(own.url));
}

function errorObject(error) {
  try {
    if (isErrorLike(error)) return { errorType: error.name, errorMessage: error.message, trace: linesOf(error.stack) };
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    const errorMessage =
      "callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack";
    return { errorType: "handled", errorMessage, trace: [] };
  }
}

function logError(what, error) {
  if (!(error instanceof Error)) error = new Error(error);
  if (jsonLogs) return console.error(error);
  const withHidden = (_, value) => {
    if (!(value instanceof Error)) return value;
    const all = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    if (typeof value.stack === "string") all.stack = linesOf(value.stack);
    return all;
  };
  let details;
  try {
    details = JSON.stringify(error, withHidden);
  } catch {
    details = JSON.stringify(errorObject(error));
  }
  console.error(what, `\t${details}`);
}

function sendError(kind, error) {
  const object = errorObject(error);
  let body;
  try {
    body = JSON.stringify(object);
  } catch {
    body = JSON.stringify({ ...object, errorType: String(object.errorType), errorMessage: String(object.errorMessage) });
  }
  send(kind, String(object.errorType).slice(0, 256), body);
}

/** Reports what leaves the process in no fit state to go on. Said a second time, or after the answer, it can only exit. */
function die(what, error, code) {
  try {
    logError(what, error);
    if (owing) {
      owing = false;
      sendError(FATAL_ERROR, error);
    }
  } finally {
    process.exit(code);
  }
}

// ---- loading the handler

function isModuleFolder(folder) {
  for (; !folder.endsWith("/node_modules"); folder = dirname(folder)) {
    const file = resolve(folder, "package.json");
    if (existsSync(file)) {
      try {
        return JSON.parse(readFileSync(file, "utf8")).type === "module";
      } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
      }
    }
    if (folder === "/") break;
  }
  return false;
}

async function loadModule(root, folder, name) {
  const path = resolve(root, folder, name);
  if (existsSync(path)) return require(path);
  const asModule = isModuleFolder(dirname(path));
  const ways = [[".js", asModule], [".mjs", true], [".cjs", false]];
  if (Number(process.versions.node.split(".")[0]) >= 24) ways.push([".ts", asModule], [".mts", true], [".cts", false]);
  for (const [extension, imported] of ways) {
    const file = path + extension;
    if (existsSync(file)) return imported ? await import(pathToFileURL(file)) : require(file);
  }
  return require(require.resolve(name, { paths: [root, folder] }));
}

async function loadHandler(root, handler) {
  if (handler.includes(".."))
    throw new Fault(
      "MalformedHandlerName",
      `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  const base = basename(handler);
  const folder = handler.slice(0, handler.indexOf(base));
  const dot = base.indexOf(".");
  if (dot < 0) throw new Fault("MalformedHandlerName", "Bad handler");
  let found;
  try {
    found = await loadModule(root, folder, base.slice(0, dot));
  } catch (error) {
    if (error instanceof SyntaxError) {
      const fault = new Fault("UserCodeSyntaxError", String(error));
      fault.stack = error.stack;
      throw fault;
    }
    if (error?.code === "MODULE_NOT_FOUND") {
      // Where this file lies is no business of the function's; AWS's client is called by that name in the same place.
      const message = String(error).replaceAll(own.path, `${env.LAMBDA_RUNTIME_DIR}/index.mjs`);
      throw new Fault("ImportModuleError", message);
    }
    throw error;
  }
  for (const name of base.slice(dot + 1).split(".")) found = found && found[name];
  if (!found) throw new Fault("HandlerNotFound", `${handler} is undefined or not exported`);
  if (typeof found !== "function") throw new Fault("HandlerNotFound", `${handler} is not a function`);
  if (callbacksGone && found.length >= 3)
    throw new Fault(
      "CallbackHandlerDeprecated",
      "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
        "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
        "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
    );
  return found;
}

function provideGlobals() {
  if (["1", "true"].includes(env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  const refuse = (name) => () => {
    throw new Fault("InvalidStreamingOperation", `awslambda.${name}: response streaming is not supported in this version`);
  };
  globalThis.awslambda = {
    streamifyResponse: refuse("streamifyResponse"),
    HttpResponseStream: { from: refuse("HttpResponseStream.from") },
  };
}

// ---- events

let owing = true; // the server waits for something: the end of init, or an answer
let whenIdle = () => process.exit(EXIT_UNSETTLED_AWAIT); // what the end of all work in the event loop means
let traceId;
let runtime;

const fixed = {
  functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
  functionName: env.AWS_LAMBDA_FUNCTION_NAME,
  memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
};

function parsed(json, name) {
  if (json === "") return undefined;
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

function stringified(result) {
  try {
    return JSON.stringify(result) ?? "null";
  } catch {
    const message = "Unable to stringify response body";
    throw callbacksGone ? new Fault("JSONStringifyError", message) : new Error(message);
  }
}

/** One event and the ways to answer it: a returned promise, the callback, context.done, succeed and fail. The first one counts. */
class Invocation {
  decided = false; // no other way counts any more
  closed = false; // the answer is on its way
  waitsForEmptyLoop = true;

  succeed(result) {
    if (this.closed) {
      console.error("Invocation has already been reported as done. Cannot call complete more than once per invocation.");
      return;
    }
    let body;
    try {
      body = stringified(result);
    } catch (error) {
      this.fail(error);
      return;
    }
    this.close(RESULT, body);
  }

  fail(error) {
    if (this.closed) return;
    logError("Invoke Error", error);
    this.close(ERROR, error);
  }

  // The answer leaves when the event loop comes round: a promise that was rejected and left alone has been reported by then.
  close(kind, answer) {
    this.closed = true;
    whenIdle = undefined;
    setImmediate(() => {
      owing = false;
      if (kind === ERROR) sendError(kind, answer);
      else send(kind, "", answer);
      nextEvent();
    });
  }

  /** Only the first of all functions made this way does anything. */
  deciding(decide) {
    return (...values) => {
      if (this.decided) return;
      this.decided = true;
      decide(...values);
    };
  }

  context(deadline, arn, clientContext, identity) {
    const data = {
      ...fixed,
      clientContext: parsed(clientContext, "ClientContext"),
      identity: parsed(identity, "CognitoIdentity"),
      invokedFunctionArn: arn,
      awsRequestId: requestId,
      tenantId: undefined,
      getRemainingTimeInMillis: () => deadline - Date.now(),
    };
    if (callbacksGone) return data;
    const invocation = this;
    const failed = (error) => error !== undefined && error !== null;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.waitsForEmptyLoop;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        invocation.waitsForEmptyLoop = value;
      },
      succeed: this.deciding((result) => this.succeed(result)),
      fail: this.deciding((error) => this.fail(failed(error) ? error : "handled")),
      done: this.deciding((error, result) => (failed(error) ? this.fail(error) : this.succeed(result))),
      ...data,
    };
  }

  callback() {
    return this.deciding((error, result) => {
      if (error !== undefined && error !== null) this.fail(error);
      else if (this.closed || !this.waitsForEmptyLoop) this.succeed(result);
      else whenIdle = () => this.succeed(result);
    });
  }

  run(fields, body) {
    const [, deadline, arn, , clientContext, identity] = fields;
    // Nothing is left that could answer. An async handler waits for what will never happen; any other has just not called back.
    whenIdle = () => (runtime.isAsync ? this.fail(neverSettled()) : this.succeed(null));
    try {
      const context = this.context(Number(deadline), arn, clientContext, identity);
      const event = JSON.parse(body);
      const result = callbacksGone ? runtime.handler(event, context) : runtime.handler(event, context, this.callback());
      if (typeof result?.then === "function")
        result.then(
          this.deciding((value) => this.succeed(value)),
          this.deciding((error) => this.fail(error ?? (callbacksGone ? error : "handled"))),
        );
      else if (callbacksGone) this.succeed(result);
    } catch (error) {
      this.deciding(() => this.fail(error))();
    }
  }
}

function neverSettled() {
  return new Fault(
    "NodeJsExit",
    "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. " +
      "For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes",
  );
}

function nextEvent() {
  const [fields, body] = readEvent();
  requestId = fields[0];
  owing = true;
  if (fields[3] !== traceId) {
    traceId = fields[3];
    if (traceId) env._X_AMZN_TRACE_ID = traceId;
    else delete env._X_AMZN_TRACE_ID;
  }
  new Invocation().run(fields, body);
}

/** What `this` is in a handler, and the name its frames have in stacks. */
class Runtime {
  constructor(handler) {
    this.handler = handler;
    this.isAsync = callbacksGone || handler.constructor?.name === "AsyncFunction";
  }
}

async function main() {
  patchConsole();
  provideGlobals();
  process.on("uncaughtException", (error) => die("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION));
  process.on("unhandledRejection", (reason, promise) => {
    const fault = new Fault("UnhandledPromiseRejection", String(reason));
    die("Unhandled Promise Rejection", Object.assign(fault, { reason, promise }), EXIT_UNHANDLED_REJECTION);
  });
  process.on("beforeExit", () => {
    const idle = whenIdle;
    whenIdle = undefined;
    idle?.();
  });
  try {
    runtime = new Runtime(await loadHandler(env.LAMBDA_TASK_ROOT, env._HANDLER));
  } catch (error) {
    die("Uncaught Exception", error, EXIT_UNCAUGHT_EXCEPTION);
  }
  whenIdle = undefined;
  setImmediate(() => {
    owing = false;
    send(READY, "", "");
    nextEvent();
  });
}

main();
