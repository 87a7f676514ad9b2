"""Runs a Python handler: loads it, then takes events from file descriptor 3 and answers with what it returned or raised on 4.

Started with --generic it does not know its function yet: it imports what all of them need, says that it waits, and is told.

Works with Python 3.9 to 3.14. Start-up time counts, so whatever is not needed for every function is imported where it is used.
What handlers can see (context, error objects, log lines, JSON) follows AWS's own Python runtime interface client.
"""
import sys
import time

from os import O_RDWR, _exit, chdir, dup2, environ, putenv, readv, register_at_fork, set_inheritable, write
from os import open as open_file

EVENTS, ANSWERS = 3, 4  # pipes
INVOKE, ASSIGN, BOOTED, READY, RESULT, ERROR, FATAL_ERROR = 1, 2, 16, 17, 18, 19, 20
RESPONSE_BYTES_MAX = 6_291_556
FRAME_PREFIX_BYTES = 12
RECORD_BREAK = "\r\x1e"  # a line break inside one record of the log

VARIABLES = environ._data  # what os.environ holds, encoded
TRACE_VARIABLE = b"_X_AMZN_TRACE_ID"

# AWS's client has imported these before it looks at the function's code, so a file of the function never hides them there.
SEEN_FIRST = frozenset(
    "binascii collections concurrent contextlib copyreg datetime decimal enum functools importlib itertools json keyword linecache logging "
    "math numbers operator re reprlib string struct textwrap threading token tokenize traceback types warnings weakref".split()
)


class Fault(Exception):
    """A failure that the runtime itself reports, with the error type AWS gives it."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.message, self.trace = "Runtime." + kind, message, trace


# ---- frames


# A frame is read and written by one call each. What the frames of events are read into is used again and again.
ROOM = memoryview(bytearray(64 * 1024))
ROOM_WORDS = ROOM.cast("I")  # frames and the machines this runs on are little-endian
READ_INTO = [ROOM]


def read_some(into):
    count = readv(EVENTS, into)
    if not count:
        _exit(0)  # the server has closed the channel: nobody waits for anything any more
    return count


def read_frame(kind):
    """Header fields and body. The server sends an event only after the answer to the last one, so a read takes no more than one frame."""
    frame = ROOM
    filled = read_some(READ_INTO)
    while filled < FRAME_PREFIX_BYTES:
        filled += read_some([ROOM[filled:]])
    start = FRAME_PREFIX_BYTES + ROOM_WORDS[1]
    end = start + ROOM_WORDS[2]
    if end > len(ROOM):
        frame = memoryview(bytearray(end))
        frame[:filled] = ROOM[:filled]
    while filled < end:
        filled += read_some([frame[filled:end]])
    if ROOM[0] != kind or filled != end:
        _exit(1)
    return bytes(frame[FRAME_PREFIX_BYTES:start]).split(b"\0"), frame[start:end]


def send(kind, error_type=b"", body=b""):
    # The server takes an answer for the event it has sent last, and for no other.
    header = state.raw_id + b"\0" + error_type
    if len(body) > RESPONSE_BYTES_MAX:
        # One byte too many is all the server needs to refuse it, an error object of that size included.
        kind, body = RESULT if kind == ERROR else kind, memoryview(body)[: RESPONSE_BYTES_MAX + 1]
    sizes = len(header).to_bytes(4, "little"), len(body).to_bytes(4, "little")
    frame = b"".join((bytes((kind, 0, 0, 0)), *sizes, header, body))
    sent = write(ANSWERS, frame)
    if sent == len(frame):
        return
    rest = memoryview(frame)[sent:]
    while rest:
        rest = rest[write(ANSWERS, rest) :]


# ---- JSON, as simplejson writes it: decimals as they are, named tuples as objects, nested bytes as text

SCALARS = frozenset((str, int, float, bool, type(None)))
CONSTANTS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def runtime_minor():
    name = environ.get("AWS_EXECUTION_ENV", "").rpartition("python3.")[2]
    return int(name) if name.isdigit() else sys.version_info[1]


def unserializable(value):
    return TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def is_flat(value):
    return type(value) is dict and SCALARS.issuperset(map(type, value.values()))


def has_named_tuple(value):
    for item in value.values() if isinstance(value, dict) else value:
        if type(item) in SCALARS:
            continue
        if isinstance(item, tuple) and hasattr(item, "_asdict"):
            return True
        if isinstance(item, (dict, list, tuple)) and has_named_tuple(item):
            return True
    return False


class NeedsSlowWriter(Exception):
    pass


def default(value):
    if isinstance(value, bytes):
        return value.decode()
    if is_decimal(value):
        raise NeedsSlowWriter
    raise unserializable(value)


def is_decimal(value):
    decimal = sys.modules.get("decimal")
    return decimal is not None and isinstance(value, decimal.Decimal)


class Json:
    """Reads events and writes results. Uses the accelerator of the json package without its Python half, which takes longer to import
    than all the rest of this program."""

    def __init__(self):
        self.ascii_only = runtime_minor() < 12
        try:
            import _json

            self.quote = _json.encode_basestring_ascii if self.ascii_only else _json.encode_basestring
            self.strict, self.object_hook, self.object_pairs_hook = True, None, None
            self.parse_float, self.parse_int, self.parse_constant = float, int, CONSTANTS.__getitem__
            self.scan = _json.make_scanner(self)
            self.markers = {}
            self.encode = _json.make_encoder(self.markers, default, self.quote, None, ": ", ", ", False, False, True)
        except (ImportError, TypeError, AttributeError):  # another implementation of Python
            import json.encoder

            self.quote = json.encoder.encode_basestring_ascii if self.ascii_only else json.encoder.encode_basestring
            self.scan = None
            self.markers = {}
            encoder = json.JSONEncoder(ensure_ascii=self.ascii_only, default=default)
            self.encode = lambda value, level: (encoder.encode(value),)

    def read(self, text):
        if self.scan:
            try:
                value, end = self.scan(text, 0)
                if end == len(text):
                    return value
            except (StopIteration, ValueError):
                pass
        import json

        return json.loads(text)  # spaces around the value, or the error with its place

    def write(self, value):
        try:
            named = not is_flat(value) and (hasattr(value, "_asdict") or (isinstance(value, (dict, list, tuple)) and has_named_tuple(value)))
        except RecursionError:
            named = False  # it contains itself, which the encoder says better
        if named:
            text = self.write_slowly(value)
        else:
            try:
                text = "".join(self.encode(value, 0))
            except NeedsSlowWriter:
                text = self.write_slowly(value)
            finally:
                self.markers.clear()
        if not text.isascii():
            text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return text.encode()

    def write_slowly(self, value):
        if isinstance(value, str):
            return self.quote(value)
        if isinstance(value, bytes):
            return self.quote(value.decode())
        if is_decimal(value):
            return "NaN" if value.is_nan() else str(value)
        if hasattr(value, "_asdict") and isinstance(value, tuple):
            value = value._asdict()
        if isinstance(value, dict):
            return "{" + ", ".join([f"{self.key(key)}: {self.write_slowly(item)}" for key, item in value.items()]) + "}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join([self.write_slowly(item) for item in value]) + "]"
        return "".join(self.encode(value, 0))

    def key(self, key):
        if isinstance(key, bytes):
            key = key.decode()
        if isinstance(key, str):
            return self.quote(key)
        if key is None or isinstance(key, (int, float)):
            return f'"{"".join(self.encode(key, 0))}"'
        raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


# ---- the context object


class Record:
    """An object with the members AWS's class of that name has; what is not given is None."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return f"{type(self).__name__}([{','.join([f'{name}={getattr(self, name)}' for name in self.__slots__])}])"


class Client(Record):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Record):
    __slots__ = ("custom", "env", "client")


class CognitoIdentity(Record):
    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, cognito_identity_id=None, cognito_identity_pool_id=None):
        self.cognito_identity_id = cognito_identity_id
        self.cognito_identity_pool_id = cognito_identity_pool_id


class LambdaContext:
    def __init__(self, request_id, deadline_ms, arn, client_context, identity, settings):
        self.aws_request_id = request_id
        self.log_group_name, self.log_stream_name, self.function_name, self.memory_limit_in_mb, self.function_version = settings
        self.invoked_function_arn = arn
        self.tenant_id = None
        self.client_context = client_context
        self.identity = identity
        self._epoch_deadline_time_in_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        names = (
            "aws_request_id log_group_name log_stream_name function_name memory_limit_in_mb function_version invoked_function_arn "
            "client_context identity tenant_id"
        )
        return f"LambdaContext([{','.join([f'{name}={getattr(self, name)}' for name in names.split()])}])"


class Settings:
    """What contexts say of the function: read from the environment for each event, as AWS's client does, but decoded only when it changed."""

    NAMES = (
        b"AWS_LAMBDA_LOG_GROUP_NAME",
        b"AWS_LAMBDA_LOG_STREAM_NAME",
        b"AWS_LAMBDA_FUNCTION_NAME",
        b"AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        b"AWS_LAMBDA_FUNCTION_VERSION",
    )

    def __init__(self):
        self.raw = self.texts = None

    def read(self):
        raw = tuple(map(VARIABLES.get, self.NAMES))
        if raw != self.raw:
            self.raw = raw
            self.texts = [None if value is None else environ.decodevalue(value) for value in raw]
        return self.texts


def part_of_context(json, text, name):
    try:
        return json.read(text.decode())
    except ValueError as error:
        raise Fault("LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from None


def client_context_of(json, text):
    client = ClientContext(part_of_context(json, text, "Client Context"))
    if client.client is not None:
        client.client = Client(client.client)
    return client


def identity_of(json, text):
    known = part_of_context(json, text, "Cognito Identity")
    return CognitoIdentity(known.get("cognitoIdentityId"), known.get("cognitoIdentityPoolId"))


# ---- logging


class State:
    __slots__ = ("request_id", "raw_id", "json_logs", "assigned")

    def __init__(self):
        self.request_id, self.raw_id = "", b""
        self.json_logs = False
        self.assigned = False  # the function is known, and its environment is ours


state = State()


def write_record(text):
    """One event of the log, however many lines it has."""
    text = text.removesuffix("\n")
    sys.stdout.write((text.replace("\n", RECORD_BREAK) if "\n" in text else text) + "\n")


def set_up_logging(logging):
    """Gives the root logger the handler that AWS's runtime gives it, as soon as there is a function whose settings count."""
    if not state.assigned:
        return
    class Formatter(logging.Formatter):
        def format(self, record):
            record.aws_request_id = state.request_id
            return self.format_json(record) if state.json_logs else super().format(record)

        def format_json(self, record):
            import json
            import traceback

            record.levelno = min(50, max(0, record.levelno)) // 10 * 10
            record.levelname = logging.getLevelName(record.levelno)
            kind, error, tb = record.exc_info or (None, None, None)
            result = {
                "timestamp": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.created % 1 * 1000):03d}Z",
                "level": record.levelname,
                "message": record.getMessage(),
                "logger": record.name,
                "stackTrace": traceback.format_tb(tb) if kind else None,
                "errorType": kind.__name__ if kind else None,
                "errorMessage": str(error) if kind else None,
                "requestId": record.aws_request_id,
                "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if kind else None,
            }
            known = vars(logging.makeLogRecord({})).keys() | {"message", "asctime", "aws_request_id"}
            result.update((key, value) for key, value in vars(record).items() if key not in known and key not in result)
            return json.dumps({key: value for key, value in result.items() if value is not None}, ensure_ascii=False) + "\n"

    class LambdaLoggerHandler(logging.Handler):
        def emit(self, record):
            write_record(self.format(record))

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    handler.setFormatter(
        Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n", "%Y-%m-%dT%H:%M:%S")
    )
    root = logging.getLogger()
    level = environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
    if level in ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"):
        root.setLevel(level)
    root.addHandler(handler)


def path_stats(self, path):
    """Byte code is told apart by second and size; a file saved twice within a second must not run stale, so nanoseconds stand in."""
    from os import stat

    found = stat(path)
    return {"mtime": found.st_mtime_ns, "size": found.st_size}


class Finder:
    """Finds the modules of SEEN_FIRST in the standard library alone, and sets up logging when somebody imports it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if path is not None or name not in SEEN_FIRST:
            return None
        from os import __file__ as library
        from _frozen_importlib_external import PathFinder

        folder = library.rpartition("/")[0]
        spec = PathFinder.find_spec(name, [folder, *(entry for entry in sys.path if entry == folder + "/lib-dynload")])
        if name == "logging" and spec:
            run = spec.loader.exec_module

            def exec_module(module):
                run(module)
                set_up_logging(module)

            spec.loader.exec_module = exec_module
        return spec


def log_error(json, error):
    """One record, as AWS's client writes it."""
    if state.json_logs:
        line = {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": "ERROR", **error}
        sys.stdout.write(json.write(line).decode() + "\n")
        return
    first = "[ERROR]"
    if error["errorType"]:
        first += " " + error["errorType"]
    if error["errorMessage"]:
        first += (": " if error["errorType"] else " ") + error["errorMessage"]
    lines = [first, "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        for line in entry.splitlines() or [""]:
            bare = line.lstrip(" ")
            lines.append("\u00a0" * (len(line) - len(bare)) + bare)
    write_record("\n".join(lines))


# ---- errors


def error_of(error, request_id):
    """The error object of a Fault or of any exception of the function's, with the runtime's own frames left out."""
    if isinstance(error, Fault):
        message, kind, trace = error.message, error.kind, list(error.trace)
    else:
        import traceback

        frames = [tuple(frame)[:4] for frame in traceback.extract_tb(error.__traceback__)]
        own = error_of.__code__.co_filename
        first = next((index for index, frame in enumerate(frames) if frame[0] != own), 0)
        message, kind, trace = str(error), type(error).__name__, traceback.format_list(frames[first:])
    return {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}


def report(json, kind, error, request_id):
    result = error_of(error, request_id)
    log_error(json, result)
    # A class name may hold anything; a message may hold half a surrogate pair, which has no UTF-8.
    try:
        body = json.write(result)
    except UnicodeEncodeError:
        body = json.write({**result, "errorMessage": result["errorMessage"].encode(errors="replace").decode(), "stackTrace": []})
    send(kind, result["errorType"][:256].encode(errors="replace"), body)


# ---- the handler


def load_handler(name):
    from importlib import import_module

    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        raise Fault("MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    if module_name.split(".")[0] in sys.builtin_module_names:
        raise Fault("BuiltInModuleConflict", f"Cannot use built-in module {module_name} as a handler module")
    try:
        module = import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise Fault("ImportModuleError", f"Unable to import module '{module_name}': {error}") from None
    except SyntaxError as error:
        trace = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        raise Fault("UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}", trace) from None
    try:
        return getattr(module, function_name)
    except AttributeError:
        raise Fault("HandlerNotFound", f"Handler '{function_name}' missing on module '{module_name}'") from None


def handle(json, handler, context, body):
    """Runs one event; answers the bytes of the result."""
    try:
        event = json.read(str(body, "utf-8"))
    except ValueError as error:
        raise Fault("UnmarshalError", f"Unable to unmarshal input: {error}") from None
    result = handler(event, context)
    if isinstance(result, bytes):
        return result
    try:
        return json.write(result)
    except Exception as error:
        raise Fault("MarshalError", f"Unable to marshal response: {error}") from None


def serve(json, handler):
    settings = Settings()
    trace = raw_arn = arn = None
    while True:
        fields, body = read_frame(INVOKE)
        raw_id, deadline, its_arn, its_trace, client_context, identity = fields
        state.raw_id, state.request_id = raw_id, raw_id.decode()
        if its_arn != raw_arn:
            raw_arn, arn = its_arn, its_arn.decode()
        if its_trace != trace:
            trace = its_trace
            follow_trace(trace)
        try:
            client = client_context_of(json, client_context) if client_context else None
            cognito = identity_of(json, identity) if identity else CognitoIdentity()
            context = LambdaContext(state.request_id, int(deadline), arn, client, cognito, settings.read())
            result = handle(json, handler, context, body)
        except Exception as error:
            report(json, ERROR, error, state.request_id)
        else:
            send(RESULT, body=result)


def follow_trace(trace):
    """As assigning to os.environ and deleting from it do, for C and for children of the process too, without encoding what is encoded."""
    if trace:
        VARIABLES[TRACE_VARIABLE] = trace
        putenv(TRACE_VARIABLE, trace)
    else:
        environ.pop("_X_AMZN_TRACE_ID", None)


# ---- whose interpreter this is

# Of SEEN_FIRST, what most handlers import anyway.
PRELOADED = "collections contextlib datetime decimal enum functools json logging re string threading traceback warnings weakref".split()
SDK = "boto3 botocore.client botocore.credentials botocore.handlers botocore.httpsession botocore.session".split()
SDK_PARTS = frozenset("boto3 botocore dateutil jmespath s3transfer six urllib3".split())


def wait_for_function(with_sdk):
    """Returns the folders of the task and of the layers; the environment is the function's then."""
    from gc import collect, freeze
    from importlib import import_module

    for name in PRELOADED:
        import_module(name)
    has_sdk = False
    if with_sdk:
        try:
            for name in SDK:
                import_module(name)
            has_sdk = True
        except ImportError:
            pass
    collect()
    freeze()  # the collector never looks at these again
    send(BOOTED, b"s" if has_sdk else b"-")
    (task_root, layers_root), body = read_frame(ASSIGN)
    task_root, layers_root = task_root.decode(), layers_root.decode()
    environ.clear()
    for variable in str(body, "utf-8").split("\0"):
        if variable:
            name, _, value = variable.partition("=")
            environ[name] = value
    chdir(task_root)
    if has_sdk:
        forget_hidden_sdk([task_root, layers_root and layers_root + "/python"])
    return task_root, layers_root


def forget_hidden_sdk(folders):
    """A function that brings a part of the SDK gets its own, as if nothing had been loaded."""
    from os import listdir

    for folder in filter(None, folders):
        try:
            names = {name.partition(".")[0] for name in listdir(folder)}
        except OSError:
            continue
        if names & SDK_PARTS:
            for name in [name for name in sys.modules if name.partition(".")[0] in SDK_PARTS]:
                del sys.modules[name]
            return


def layers_path(root):
    minor = runtime_minor()
    return [f"{root}/python/lib/python3.{minor}/site-packages", f"{root}/python"] if root else []


def leave_channel():
    nowhere = open_file("/dev/null", O_RDWR)
    dup2(nowhere, EVENTS)
    dup2(nowhere, ANSWERS)


def main():
    from io import FileIO, TextIOWrapper

    option = sys.argv[1] if len(sys.argv) > 1 else ""
    del sys.argv[1:]
    set_inheritable(EVENTS, False)
    set_inheritable(ANSWERS, False)
    # A child of the function must neither take the next event nor answer it.
    register_at_fork(after_in_child=leave_channel)
    # Every write goes straight to the pipe: nothing is lost when the process dies, and lines keep their order.
    sys.stdout = TextIOWrapper(FileIO(1, "w", closefd=False), "utf-8", write_through=True)
    sys.stderr = TextIOWrapper(FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
    sys.meta_path.insert(0, Finder)
    if not sys.flags.dont_write_bytecode:
        import _frozen_importlib_external as importing

        importing.SourceFileLoader.path_stats = path_stats
    if option.startswith("--generic"):
        task_root, layers_root = wait_for_function(option.endswith("=sdk"))
    else:
        task_root, layers_root = environ["LAMBDA_TASK_ROOT"], environ.pop("_SALLYPORT_LAYERS", "")
    state.assigned = True
    state.json_logs = environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    if "logging" in sys.modules:
        set_up_logging(sys.modules["logging"])
    sys.path[:1] = [task_root, *layers_path(layers_root)]
    json = Json()
    try:
        handler = load_handler(environ["_HANDLER"])
    except Exception as error:
        report(json, FATAL_ERROR, error, "")
        sys.exit(1)

    send(READY, b"sdk" if "botocore" in sys.modules else b"")
    serve(json, handler)


main()
