"""gdb commands that show a Sidetone server from the inside, in a live process or a core dump.

    gdb -p PID -x tools/gdb.py
    gdb build/sidetone core -x tools/gdb.py

    sidetone fibers             every fiber: its name, what it does, its backtrace
    sidetone fiber NAME|ADDR    bt, up, info locals ... look at this fiber, until
    sidetone fiber              looks at the thread again
    sidetone channels           legs of calls, and where each is in the dialplan
    sidetone sessions           their SIP side
    sidetone transactions       SIP requests under way, theirs and ours

It needs debug information (-g); optimised builds are as good. On x86-64 and aarch64.

A fiber that sleeps has its registers in a ucontext. No register is changed to look at
it, because a core dump has none that can be: an unwinder tells gdb that the thread's
innermost frame was called by the fiber.
"""
import os
import struct

import gdb
import gdb.unwinder

LIST_MAX = 1000000      # a longer list is a circle that lost its head

# Where swapcontext() keeps what a called function must preserve: DWARF's name of the
# register, and its place in uc_mcontext.
X86_64 = {"array": "gregs", "sp": "rsp", "pc": "rip",
          "regs": {"r12": 4, "r13": 5, "r14": 6, "r15": 7, "rbp": 10, "rbx": 11, "rsp": 15, "rip": 16}}
AARCH64 = {"array": "regs", "sp": "sp", "pc": "pc", "regs": {f"x{n}": n for n in range(19, 31)}}


# ---- values ------------------------------------------------------------

def type_of(name):
    try:
        return gdb.lookup_type("struct " + name)
    except gdb.error:
        raise gdb.GdbError(f"struct {name} is not known here: the program was built without -g (or its debug "
                           "information is in another file), or it is not Sidetone") from None


def field(value, path):
    """value.a.b, following pointers. The error names what is missing."""
    for name in path.split("."):
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
            if int(value) == 0:
                raise gdb.GdbError(f"the pointer before '{name}' in {path} is NULL")
            value = value.dereference()
        if name not in [f.name for f in value.type.strip_typedefs().fields()]:
            raise gdb.GdbError(f"{value.type} has no field '{name}': tools/gdb.py and the program are of two versions")
        value = value[name]
    return value


def text(value):
    """A struct str or struct text."""
    n = int(value["n"])
    if not n or not int(value["p"]):
        return ""
    return value["p"].string("utf-8", "replace", min(n, 200))


def each(head, struct_name, link):
    """Every element of a list.h list. A list that a bug has broken ends with a word about it."""
    kind = type_of(struct_name)
    offset = [f.bitpos // 8 for f in kind.fields() if f.name == link]
    if not offset:
        raise gdb.GdbError(f"struct {struct_name} has no field '{link}': tools/gdb.py and the program are of two "
                           "versions")
    at, end, seen = int(head["next"]), int(head.address), 0
    while at and at != end:
        element = gdb.Value(at - offset[0]).cast(kind.pointer())
        try:
            following = int(element[link]["next"])
        except gdb.MemoryError:
            print(f"-- the list is broken here: {at:#x} cannot be read")
            return
        yield element
        seen += 1
        if seen == LIST_MAX:
            print(f"-- the list does not end after {seen} elements")
            return
        at = following


def enum_name(function, enum, number):
    """The name that NUMBER has in an enum of the file where FUNCTION stands."""
    symbol = gdb.lookup_global_symbol(function)
    for s in symbol.symtab.static_block() if symbol else []:
        if s.addr_class == gdb.SYMBOL_LOC_TYPEDEF and s.type.code == gdb.TYPE_CODE_ENUM and s.type.tag == enum:
            for f in s.type.fields():
                if f.enumval == int(number):
                    return f.name
    return str(int(number))


def peer(path):
    """The address that a struct net_path leads to."""
    sa = field(path, "peer.u")
    family = int(sa["s"]["sa_family"])
    raw = bytes(int(sa["in6"].cast(gdb.lookup_type("unsigned char").array(27))[i]) for i in range(28))
    port = struct.unpack_from(">H", raw, 2)[0]
    if family == 2:
        return ".".join(map(str, raw[4:8])) + f":{port}"
    if family == 10:
        return "[" + ":".join(f"{n:x}" for n in struct.unpack_from(">8H", raw, 8)) + f"]:{port}"
    return "nowhere"


# ---- where things are --------------------------------------------------

def in_frames(name):
    """A `struct NAME *` among the variables of any thread: test programs have no server."""
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        frame = gdb.newest_frame()
        while frame is not None and frame.is_valid():
            try:
                block = frame.block()
            except RuntimeError:
                block = None
            while block is not None and not block.is_global and not block.is_static:
                for symbol in block:
                    kind = symbol.type and symbol.type.strip_typedefs()
                    if kind and kind.code == gdb.TYPE_CODE_PTR and kind.target().unqualified().name == name:
                        value = symbol.value(frame)
                        if not value.is_optimized_out and int(value):
                            return value
                block = block.superblock
            frame = frame.older()
    return None


def root(name):
    """The pbx, service or ... of the server."""
    symbol = gdb.lookup_static_symbol("debugged_server")
    server = symbol.value() if symbol else None
    if server is not None and int(server) and server.type.target().fields():
        value = field(server, name)
        if int(value):
            return value
        raise gdb.GdbError(f"the server has no {name} now: it is starting or has ended")
    value = in_frames(name)
    if value is None:
        raise gdb.GdbError("the symbol debugged_server is missing or NULL (no debug information? no server?), and no "
                           f"frame of any thread has a struct {name} *")
    return value


def tls_by_hand(symbol):
    """The address of a thread-local variable of the program itself, for when gdb lacks the
    libthread_db that fits: below the thread pointer as the ELF TLS layout of x86-64 says,
    above it on aarch64."""
    path = gdb.current_progspace().filename
    said = gdb.execute(f"info address {symbol.name}", to_string=True)
    offset = int(said.split("offset 0x", 1)[1].split()[0], 16)
    with open(path, "rb") as f:
        elf = f.read(64)
        start, size, count = *struct.unpack_from("<Q", elf, 32), *struct.unpack_from("<HH", elf, 54)
        f.seek(start)
        headers = f.read(size * count)
    for at in range(0, len(headers), size):
        kind, _, _, _, _, _, memory, align = struct.unpack_from("<IIQQQQQQ", headers, at)
        if kind == 7:   # PT_TLS
            break
    else:
        raise gdb.GdbError(f"{path} has no thread-local storage")
    frame = gdb.newest_frame()
    if machine() is X86_64:
        return int(frame.read_register("fs_base")) - (memory + align - 1) // align * align + offset
    return int(frame.read_register("tpidr")) + (16 + align - 1) // align * align + offset


def scheduler():
    """base/fiber.c's `sched` of the selected thread."""
    found = [s for s in gdb.lookup_static_symbols("sched") if s.symtab.filename.endswith("base/fiber.c")]
    if not found:
        raise gdb.GdbError("the symbol sched of base/fiber.c is missing: the program was built without -g, or it is "
                           "not Sidetone")
    try:
        value = found[0].value()
        value["current"].fetch_lazy()
        return value
    except gdb.error:
        return gdb.Value(tls_by_hand(found[0])).cast(found[0].type.pointer()).dereference()


def keep_thread(function):
    """FUNCTION selects threads and frames as it likes; the user's are put back."""
    def wrapped(*args):
        thread = gdb.selected_thread()
        if thread is None:
            raise gdb.GdbError("there is no process: attach to one, or load a core dump")
        frame = gdb.selected_frame()
        try:
            return function(*args)
        finally:
            thread.switch()
            if frame.is_valid():
                frame.select()
    return wrapped


# ---- fibers ------------------------------------------------------------

def machine():
    name = gdb.newest_frame().architecture().name()
    if name == "i386:x86-64":
        return X86_64
    if name == "aarch64":
        return AARCH64
    raise gdb.GdbError(f"tools/gdb.py does not know where a ucontext of {name} has its registers")


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class FiberUnwinder(gdb.unwinder.Unwinder):
    """While a fiber is shown: the caller of the thread's innermost frame is the fiber."""

    def __init__(self):
        super().__init__("sidetone-fiber")
        self.saved = None       # registers of the fiber by name; None: threads are as they are

    def show(self, fiber):
        self.saved = None
        gdb.invalidate_cached_frames()
        if fiber is not None:
            m, frame, saved = machine(), gdb.newest_frame(), saved_registers(fiber)
            self.at = int(frame.read_register(m["sp"])), int(frame.read_register(m["pc"]))
            self.sp, self.pc, self.saved = m["sp"], m["pc"], saved
            gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.saved is None:
            return None
        now = {name: pending.read_register(name) for name in self.saved}
        if (int(now[self.sp]), int(now[self.pc])) != self.at:
            return None
        # gdb wants callers at higher addresses, so this frame pretends to lie just below the fiber's.
        pretend = FrameId(gdb.Value(self.saved[self.sp] - 16).cast(now[self.sp].type), now[self.pc])
        info = pending.create_unwind_info(pretend)
        for name, value in self.saved.items():
            info.add_saved_register(name, gdb.Value(value).cast(now[name].type))
        return info


unwinder = FiberUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)


def on_continue(_event):
    unwinder.saved = None


gdb.events.cont.connect(on_continue)


def fiber_name(fiber):
    return field(fiber, "name.text").string("utf-8", "replace") or "(no name)"


def fiber_does(fiber, sched):
    if int(sched["current"]) == int(fiber):
        return "runs"
    if bool(fiber["awake"]):
        return "ready"
    return "waits"


def fibers():
    """(thread, its scheduler, fiber) of each; the thread is selected meanwhile."""
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
        thread.switch()
        sched = scheduler()
        for fiber in each(field(sched, "all"), "fiber", "all"):
            yield thread, sched, fiber


def saved_registers(fiber):
    m, context = machine(), field(fiber, "ctx.uc_mcontext")
    saved = {name: int(context[m["array"]][i]) & (1 << 64) - 1 for name, i in m["regs"].items()}
    for name in ("sp", "pc"):
        if m[name] not in saved:
            saved[m[name]] = int(context[name])
    return saved


def has_begun(fiber):
    """It has when it stands behind the first instruction of a function: makecontext()
    leaves it at that of entry()."""
    pc = saved_registers(fiber)[machine()["pc"]]
    block = gdb.block_for_pc(pc)
    return block is None or pc != (block.function and block.start)


def backtrace(fiber, sched):
    """Lines of bt. The one that runs has the thread's own frames; before those of others
    stands the innermost frame of the thread, which is left out."""
    own = int(sched["current"]) == int(fiber)
    if not own and not has_begun(fiber):
        return [f"-- not begun: {field(fiber, 'fn').format_string(symbols=True)}"]
    unwinder.show(None if own else fiber)
    try:
        lines = gdb.execute("backtrace", to_string=True).splitlines()
    finally:
        unwinder.show(None)
    if own:
        return lines
    first = next((i for i, line in enumerate(lines) if line.startswith("#1 ")), len(lines))
    last = next((i for i, line in enumerate(lines) if " entry () at " in line), len(lines))
    return lines[first:last + 1] or ["-- no frames: its stack is broken or not in this core dump"]


@keep_thread
def show_fibers():
    shown = unwinder.saved
    count = 0
    for thread, sched, fiber in fibers():
        count += 1
        print(f'fiber {int(fiber):#x} "{fiber_name(fiber)}" {fiber_does(fiber, sched)}, thread {thread.num}')
        for line in backtrace(fiber, sched):
            print("  " + line)
    unwinder.saved = shown
    gdb.invalidate_cached_frames()
    print(f"{count} fibers")


def select_fiber(wanted):
    for thread, sched, fiber in list(fibers()):
        if wanted in (fiber_name(fiber), f"{int(fiber):#x}"):
            thread.switch()
            if int(sched["current"]) == int(fiber):
                unwinder.show(None)
            else:
                unwinder.show(fiber)
                gdb.newest_frame().older().select()
            print(f'fiber "{fiber_name(fiber)}": from frame 1 on, frame 0 is the thread; '
                  '"sidetone fiber" without a name ends this')
            return
    raise gdb.GdbError(f'there is no fiber "{wanted}": sidetone fibers lists them')


# ---- tables ------------------------------------------------------------

def show_table(columns, rows, what):
    rows = [[str(c) for c in row] for row in rows]
    widths = [max(len(r[i]) for r in [columns, *rows]) for i in range(len(columns))]
    for row in [columns, *rows] if rows else []:
        print("  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip())
    print(f"{len(rows)} {what}")


def channel_name(channel):
    return text(field(channel, "name")) if int(channel) else "-"


@keep_thread
def show_channels():
    rows = []
    for ch in each(field(root("pbx"), "channels"), "channel", "link"):
        bridge, fiber = field(ch, "bridge"), field(ch, "fiber")
        rows.append((f"{int(ch):#x}", channel_name(ch), str(field(ch, "state")).removeprefix("CHAN_"),
                     f"{text(field(ch, 'exten'))}@{text(field(ch, 'context'))}:{int(field(ch, 'priority'))}",
                     f"{text(field(ch, 'app'))}({text(field(ch, 'appdata'))})" if text(field(ch, "app")) else "-",
                     text(field(bridge, "id")) if int(bridge) else "-", f"{int(fiber):#x}" if int(fiber) else "-"))
    show_table(("channel", "name", "state", "extension", "application", "bridge", "fiber"), rows, "channels")


@keep_thread
def show_sessions():
    rows = []
    service = root("service")
    # A call that is over for its channel may still have something to say: it has no session any more.
    sessions = {int(field(s, "iv")): s for s in each(field(service, "calls.all"), "session", "link")}
    for invite in each(field(service, "ua.invites"), "ua_invite", "link"):
        session, dialog = sessions.get(int(invite)), field(invite, "dlg")
        call_id = text(field(dialog, "call_id")) if int(dialog) else "-"
        target = text(field(dialog, "target")) if int(dialog) else "-"
        rows.append((f"{int(invite):#x}", channel_name(field(session, "ch")) if session is not None else "-",
                     str(field(invite, "state")).removeprefix("UA_INVITE_"),
                     "in" if bool(field(invite, "incoming")) else "out",
                     str(field(invite, "exchange")).removeprefix("UA_EXCHANGE_"), call_id, target))
    show_table(("invite", "channel", "state", "way", "offer", "call-id", "target"), rows, "sessions")


def transaction_row(tx, way, function, method, call_id):
    return (f"{int(tx):#x}", way, method, enum_name(function, "state", field(tx, "state")),
            int(field(tx, "status")) or "-", peer(field(tx, "path")), call_id)


@keep_thread
def show_transactions():
    rows = []
    stack = field(root("service"), "sip")
    for tx in each(field(stack, "server_tx_all"), "sip_server_tx", "link"):
        method, call_id, req = "INVITE" if bool(field(tx, "invite")) else "-", "-", field(tx, "req")
        if int(req):            # dropped with the final response
            method, call_id = text(field(req, "method_name")), text(field(req, "call_id"))
        rows.append(transaction_row(tx, "in", "sip_server_tx_detach", method, call_id))
    for tx in each(field(stack, "client_tx_all"), "sip_client_tx", "link"):
        rows.append(transaction_row(tx, "out", "sip_client_tx_detach", text(field(tx, "out.method_name")),
                                    text(field(tx, "out.call_id"))))
    show_table(("transaction", "way", "method", "state", "status", "peer", "call-id"), rows, "transactions")


# ---- commands ----------------------------------------------------------

class Sidetone(gdb.Command):
    __doc__ = __doc__

    def __init__(self):
        super().__init__("sidetone", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, prefix=True)

    def invoke(self, argument, from_tty):
        print(__doc__)


class SubCommand(gdb.Command):
    def __init__(self, name, doc, function):
        self.__doc__ = doc
        self.function = function
        super().__init__("sidetone " + name, gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, from_tty):
        if argument:
            raise gdb.GdbError("this command takes no argument")
        self.function()


class FiberCommand(SubCommand):
    def invoke(self, argument, from_tty):
        if gdb.selected_thread() is None:
            raise gdb.GdbError("there is no process: attach to one, or load a core dump")
        if argument:
            select_fiber(argument.strip().strip('"'))
        else:
            unwinder.show(None)


Sidetone()
SubCommand("fibers", "Every fiber: its name, what it does, its backtrace.", show_fibers)
SubCommand("channels", "Legs of calls, and where each is in the dialplan.", show_channels)
SubCommand("sessions", "The SIP side of channels.", show_sessions)
SubCommand("transactions", "SIP requests under way, theirs and ours.", show_transactions)
FiberCommand("fiber", "Let bt, up, info locals ... look at the fiber named; without a name: at the thread again.", None)
