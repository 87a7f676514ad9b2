// Runs a Node.js handler: loads it, then takes events from file descriptor 3 and answers with what it returned or threw on 4.
//
// Started with --generic it does not know its function yet: it makes itself ready for any, says that it waits, and is told.
//
// Works with Node.js 18 to 24. Start-up time counts, so only modules that Node itself has loaded by now are imported here.
// What handlers can see (context, error objects, log lines, search order) follows AWS's own Node.js runtime interface client.
import { existsSync, readFileSync, readSync, readdirSync, write, writeSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format, types } from "node:util";

const EVENTS = 3, ANSWERS = 4; // pipes
const INVOKE = 1, ASSIGN = 2, BOOTED = 16, READY = 17, RESULT = 18, ERROR = 19, FATAL_ERROR = 20;
const STREAM_BEGIN = 21, STREAM_CHUNK = 22, STREAM_END = 23, STREAM_DONE = 24;
const RESPONSE_BYTES_MAX = 6_291_556;
const FRAME_PREFIX_BYTES = 12;
const RECORD_BREAK = "\r\x1e"; // a line break inside one record of the log
const EXIT_UNHANDLED_REJECTION = 128, EXIT_UNCAUGHT_EXCEPTION = 129, EXIT_UNSETTLED_AWAIT = 13;

const env = process.env;
const own = { url: import.meta.url, path: fileURLToPath(import.meta.url) };
const require = createRequire(import.meta.url);

// What the environment says, once it is the function's; see `learn`.
let callbacksGone = false; // from nodejs24.x on AWS's client awaits whatever a handler returns and knows no callbacks
let jsonLogs = false;
let fixed = {}; // what every context object has

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
      const count = readSync(EVENTS, input, filled, input.length - filled, null);
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
function readFrame(kind) {
  let filled = readAtLeast(0, FRAME_PREFIX_BYTES);
  const bodyStart = FRAME_PREFIX_BYTES + input.readUInt32LE(4);
  const end = bodyStart + input.readUInt32LE(8);
  filled = readAtLeast(filled, end);
  if (input[0] !== kind || filled !== end) process.exit(1);
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
  writeAll(ANSWERS, frame, start + bodySize);
}

// ---- log lines

let requestId; // "undefined" in log lines before the first event, as on AWS

function log(level, values) {
  const time = new Date().toISOString();
  const line = jsonLogs ? jsonLine(time, level, values) : `${time}\t${requestId}\t${level}\t${text(values)}`;
  const bytes = Buffer.from((line.includes("\n") ? line.replaceAll("\n", RECORD_BREAK) : line) + "\n");
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

function jsonOf(object) {
  try {
    return JSON.stringify(object);
  } catch {
    return JSON.stringify({ ...object, errorType: String(object.errorType), errorMessage: String(object.errorMessage) });
  }
}

function sendError(kind, error) {
  const object = errorObject(error);
  send(kind, String(object.errorType).slice(0, 256), jsonOf(object));
}

/** Reports what leaves the process in no fit state to go on. Said a second time, or after the answer, it can only exit. */
function die(what, error, code) {
  if (writing) {
    // A piece of a stream is half sent; what follows would be taken for the rest of it.
    afterWriting ??= () => die(what, error, code);
    return;
  }
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
  if (callbacksGone && found.length >= 3 && !found[HANDLER_STREAMING])
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
  globalThis.awslambda = { ...globalThis.awslambda, streamifyResponse, HttpResponseStream };
}

// ---- response streaming
//
// A handler that streams gets a writable stream. Its pieces are written by a thread of libuv's, one at a time, so that a caller who reads
// slowly holds up the stream and not the event loop: `write` says false and "drain" follows, as on any stream.

const HANDLER_STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HANDLER_HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");
const STREAM_RESPONSE = "response";
const CHUNK_BYTES_MAX = 64 * 1024;
const PRELUDE_DELIMITER_BYTES = 8;

let writing = false; // a frame of a stream is on its way
let afterWriting;

function streamifyResponse(handler, options) {
  handler[HANDLER_STREAMING] = STREAM_RESPONSE;
  if (typeof options?.highWaterMark === "number") handler[HANDLER_HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

class HttpResponseStream {
  /** The metadata goes before the first `write`; `end` alone does not bring it about, as on AWS. */
  static from(stream, metadata) {
    stream.setContentType("application/vnd.awslambda.http-integration-response");
    const prelude = JSON.stringify(metadata);
    stream._onBeforeFirstWrite = (write) => {
      write(prelude);
      write(new Uint8Array(PRELUDE_DELIMITER_BYTES));
    };
    return stream;
  }
}

function frameOf(kind, id, field, body) {
  const header = Buffer.from(`${id}\0${field}`);
  const prefix = Buffer.alloc(FRAME_PREFIX_BYTES);
  prefix.writeUInt32LE(kind, 0);
  prefix.writeUInt32LE(header.length, 4);
  prefix.writeUInt32LE(body.length, 8);
  return Buffer.concat([prefix, header, body]);
}

function writeFrames(frames, done) {
  const [bytes, ...rest] = frames;
  if (!bytes) return done();
  writing = true;
  const goOn = (sent) => {
    write(ANSWERS, bytes, sent, bytes.length - sent, null, (error, count) => {
      if (error?.code === "EAGAIN" || error?.code === "EINTR") return setTimeout(goOn, 1, sent);
      // The server has closed the channel: nobody waits for anything any more.
      if (error) process.exit(0);
      if (sent + count < bytes.length) return goOn(sent + count);
      writing = false;
      if (afterWriting) afterWriting();
      else writeFrames(rest, done);
    });
  };
  goOn(0);
}

let streamClass; // made when it is needed: most functions need none

function makeStreamClass({ Writable }) {
  return class ResponseStream extends Writable {
    failure; // what the answer ends with
    #id = requestId;
    #contentType = "application/octet-stream";
    #written = false;
    #begun = false; // the server knows that this is a stream
    #concluding = false;
    #busy; // resolves when the frames on their way are gone
    #settle;
    /** Resolves once nothing of this stream is to come; to whether there was a stream at all. */
    concluded = new Promise((resolve) => (this.#settle = resolve));

    setContentType(type) {
      if (this.#written) throw new Fault("InvalidStreamingOperation", "Cannot set content-type, too late.");
      this.#contentType = type;
    }

    write(chunk, encoding, callback) {
      if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) chunk = JSON.stringify(chunk);
      if (!this.#written && typeof this._onBeforeFirstWrite === "function") this._onBeforeFirstWrite((bytes) => super.write(bytes));
      this.#written = true;
      return super.write(chunk, encoding, callback);
    }

    _write(chunk, encoding, callback) {
      if (this.#concluding) return callback();
      const frames = this.#beginning();
      for (let at = 0; at < chunk.length; at += CHUNK_BYTES_MAX)
        frames.push(frameOf(STREAM_CHUNK, this.#id, "", chunk.subarray(at, at + CHUNK_BYTES_MAX)));
      this.#send(frames, callback);
    }

    _final(callback) {
      this.#conclude(callback);
    }

    _destroy(error, callback) {
      if (!this.writableFinished)
        this.failure ??= error ?? Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
      this.#conclude(() => callback(null));
    }

    /** The answer ends with an error: behind what was written, or in place of it. */
    fail(error) {
      this.failure ??= error ?? new Error(String(error));
      if (!this.writableEnded && !this.destroyed) this.end();
    }

    #beginning() {
      if (this.#begun) return [];
      this.#begun = true;
      return [frameOf(STREAM_BEGIN, this.#id, this.#contentType, Buffer.alloc(0))];
    }

    #send(frames, done) {
      this.#busy = new Promise((resolve) =>
        writeFrames(frames, () => {
          resolve();
          done();
        }),
      );
    }

    async #conclude(done) {
      if (this.#concluding) return done();
      this.#concluding = true;
      await this.#busy;
      // Without a byte of it the error is an ordinary one.
      const streamed = this.#begun || this.failure === undefined;
      const settled = () => {
        this.#settle(streamed);
        done();
      };
      if (!streamed) return settled();
      const frames = this.#beginning();
      const object = this.failure === undefined ? undefined : errorObject(this.failure);
      // One byte too many is all the server needs to refuse it.
      const body = Buffer.from(object ? jsonOf(object) : "").subarray(0, RESPONSE_BYTES_MAX + 1);
      frames.push(frameOf(STREAM_END, this.#id, object ? String(object.errorType).slice(0, 256) : "", body));
      this.#send(frames, settled);
    }
  };
}

// ---- events

let owing = true; // the server waits for something: the end of init, or an answer
let whenIdle = () => process.exit(EXIT_UNSETTLED_AWAIT); // what the end of all work in the event loop means
let traceId;
let runtime;

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
    setImmediate(() => conclude(kind, answer));
  }

  /** Whether the one who asks is the first to answer. */
  decides() {
    if (this.decided) return false;
    return (this.decided = true);
  }

  // Written out twice, in the order AWS's has them: what is made for each event is made by one literal, and copies nothing.
  context(deadline, arn, clientContext, identity) {
    const getRemainingTimeInMillis = () => deadline - Date.now();
    const { functionVersion, functionName, memoryLimitInMB, logGroupName, logStreamName } = fixed;
    if (callbacksGone)
      return {
        functionVersion,
        functionName,
        memoryLimitInMB,
        logGroupName,
        logStreamName,
        clientContext: parsed(clientContext, "ClientContext"),
        identity: parsed(identity, "CognitoIdentity"),
        invokedFunctionArn: arn,
        awsRequestId: requestId,
        tenantId: undefined,
        getRemainingTimeInMillis,
      };
    const invocation = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.waitsForEmptyLoop;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        invocation.waitsForEmptyLoop = value;
      },
      succeed: (result) => {
        if (invocation.decides()) invocation.succeed(result);
      },
      fail: (error) => {
        if (invocation.decides()) invocation.fail(error ?? "handled");
      },
      done: (error, result) => {
        if (invocation.decides()) invocation.complete(error, result);
      },
      functionVersion,
      functionName,
      memoryLimitInMB,
      logGroupName,
      logStreamName,
      clientContext: parsed(clientContext, "ClientContext"),
      identity: parsed(identity, "CognitoIdentity"),
      invokedFunctionArn: arn,
      awsRequestId: requestId,
      tenantId: undefined,
      getRemainingTimeInMillis,
    };
  }

  complete(error, result) {
    if (error !== undefined && error !== null) this.fail(error);
    else this.succeed(result);
  }

  callback() {
    return (error, result) => {
      if (!this.decides()) return;
      if ((error !== undefined && error !== null) || this.closed || !this.waitsForEmptyLoop) this.complete(error, result);
      else whenIdle = () => this.succeed(result);
    };
  }

  /** The answer is the stream; what the handler returns says only that it is done. */
  async stream(fields, body) {
    streamClass ??= makeStreamClass(require("node:stream"));
    const highWaterMark = Number(runtime.handler[HANDLER_HIGH_WATER_MARK]) || undefined;
    const stream = new streamClass({ highWaterMark });
    stream.on("error", () => {}); // the end of the stream says it
    // An answer that nobody ends is waited for until the function's time is over, as on AWS.
    const waiting = setInterval(() => {}, 1 << 30);
    whenIdle = undefined;
    try {
      const [, deadline, arn, , clientContext, identity] = fields;
      const context = this.context(Number(deadline), arn, clientContext, identity);
      for (const name of ["done", "succeed", "fail"]) delete context[name];
      const result = runtime.handler(JSON.parse(body), stream, context);
      if (typeof result?.then !== "function") {
        const message = "Streaming does not support non-async handlers.";
        throw callbacksGone ? new Error(message) : message;
      }
      if ((await result) !== undefined) console.warn("Streaming handlers ignore return values.");
      await stream.concluded;
      if (stream.failure !== undefined) throw stream.failure;
    } catch (error) {
      logError("Invoke Error", error);
      stream.fail(error);
    }
    const streamed = await stream.concluded;
    clearInterval(waiting);
    if (!streamed) {
      this.close(ERROR, stream.failure);
      return;
    }
    const free = () => {
      owing = false;
      send(STREAM_DONE, "", "");
      nextEvent();
    };
    if (this.waitsForEmptyLoop && !callbacksGone) whenIdle = free;
    else setImmediate(free);
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
          (value) => {
            if (this.decides()) this.succeed(value);
          },
          (error) => {
            if (this.decides()) this.fail(error ?? (callbacksGone ? error : "handled"));
          },
        );
      else if (callbacksGone) this.succeed(result);
    } catch (error) {
      if (this.decides()) this.fail(error);
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

function conclude(kind, answer) {
  owing = false;
  if (kind === ERROR) sendError(kind, answer);
  else send(kind, "", answer);
  nextEvent();
}

function nextEvent() {
  const [fields, body] = readFrame(INVOKE);
  requestId = fields[0];
  owing = true;
  if (fields[3] !== traceId) {
    traceId = fields[3];
    if (traceId) env._X_AMZN_TRACE_ID = traceId;
    else delete env._X_AMZN_TRACE_ID;
  }
  const invocation = new Invocation();
  if (runtime.streams) invocation.stream(fields, body);
  else invocation.run(fields, body);
}

/** What `this` is in a handler, and the name its frames have in stacks. */
class Runtime {
  constructor(handler) {
    this.handler = handler;
    this.isAsync = callbacksGone || handler.constructor?.name === "AsyncFunction";
    this.streams = Boolean(handler[HANDLER_STREAMING]);
    if (this.streams && handler[HANDLER_STREAMING] !== STREAM_RESPONSE)
      throw new Fault("MalformedStreamingHandler", "Only response streaming is supported.");
  }
}

// ---- whose interpreter this is

const SDK_FOLDER = `${dirname(own.path)}/node_modules/@aws-sdk/`;

function loadSdk() {
  if (!existsSync(SDK_FOLDER)) return false;
  for (const name of readdirSync(SDK_FOLDER)) {
    try {
      if (name.startsWith("client-") || name.startsWith("lib-")) require(SDK_FOLDER + name);
    } catch {
      // Whoever needs it gets to see what is wrong with it.
    }
  }
  return true;
}

/** What is done for the first time takes ten times as long: handlers that do nothing are loaded and run, but nobody hears of it. */
async function rehearse() {
  for (const name of ["rehearsal_cjs.handler", "rehearsal_esm.handler"]) {
    try {
      runtime = new Runtime(await loadHandler(dirname(own.path), name));
      const invocation = new Invocation();
      const context = invocation.context(Date.now(), "", "", "");
      stringified(await runtime.handler(JSON.parse('{"a":[1]}'), context, invocation.callback()));
      format("%s", new Date().toISOString());
      invocation.decides();
    } catch {
      // Then the function's is the first.
    }
  }
  for (const file of Object.keys(require.cache)) if (file.includes("/rehearsal_")) delete require.cache[file];
  runtime = undefined;
  await new Promise((resolve) => setImmediate(resolve));
}

async function waitForFunction(withSdk) {
  const hasSdk = withSdk && loadSdk();
  await rehearse();
  send(BOOTED, hasSdk ? "s" : "-", "");
  const [[taskRoot], variables] = readFrame(ASSIGN);
  const theirs = new Map();
  for (const variable of variables.split("\0")) {
    const end = variable.indexOf("=");
    if (end > 0) theirs.set(variable.slice(0, end), variable.slice(end + 1));
  }
  // What stays the same is not touched: a change of TZ, even to itself, makes ICU read all time zones there are.
  for (const name of Object.keys(env)) if (!theirs.has(name)) delete env[name];
  for (const [name, value] of theirs) if (env[name] !== value) env[name] = value;
  process.chdir(taskRoot);
  Module._initPaths();
}

function learn() {
  callbacksGone = Number(/^AWS_Lambda_nodejs(\d+)\.x$/.exec(env.AWS_EXECUTION_ENV)?.[1] ?? 0) >= 24;
  jsonLogs = env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";
  fixed = {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

function usesSdk() {
  return Object.keys(require.cache).some((file) => file.startsWith(SDK_FOLDER));
}

async function main() {
  const [option] = process.argv.splice(2);
  if (option?.startsWith("--generic")) await waitForFunction(option.endsWith("=sdk"));
  learn();
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
    send(READY, usesSdk() ? "sdk" : "", "");
    nextEvent();
  });
}

main();
