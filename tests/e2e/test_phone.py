"""sidetone-ua against the server, against baresip and against itself."""

import array
import os
import pty
import re
import statistics
import subprocess
import termios
import wave

import pytest
import tone
from agent import Agent, agent_program, run_agent
from certificates import Authority
from conftest import accounts
from server import TOP, environment, find, free_port, need
from waiting import wait_until

MORE = """
[ws]
type = transport
protocol = ws
bind = 127.0.0.1:{ws}
[wss]
type = transport
protocol = wss
bind = 127.0.0.1:{wss}
cert_file = {cert}
priv_key_file = {key}
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{tls}
cert_file = {cert}
priv_key_file = {key}
"""
EXTENSIONS = """
[phones]
exten => _1XXX,1,Dial(PJSIP/${EXTEN},30)
 same => n,Hangup()
exten => 600,1,Answer()
 same => n,Echo()
exten => 601,1,Answer()
 same => n,Read(D,,4,,1,20)
 same => n,Verbose(0,digits <${D}>)
 same => n,Hangup()
exten => 1002,hint,PJSIP/1002
exten => 486,1,Hangup(17)

[texts]
exten => _X.,1,MessageSend(pjsip:${EXTEN},${MESSAGE(from)})
"""


class Net:
    """A server with all five transports."""

    def __init__(self, make_server, directory):
        self.authority = Authority(f"{directory}/certificates")
        self.cert, self.key = self.authority.sign("server")
        self.ws, self.wss, self.tls = free_port(), free_port(), free_port()
        text = accounts(_1001="one", _1002="two", _1003="three").replace(
            "context = phones", "context = phones\nmessage_context = texts") + MORE.format(**vars(self))
        self.server = make_server({"pjsip.conf": text, "extensions.conf": EXTENSIONS}).start()
        self.dir = directory
        self.made = []

    def uri(self, user):
        return f"sip:{user}@{self.server.address}"

    def where(self, transport):
        ports = {"udp": self.server.port, "tcp": self.server.port, "tls": self.tls, "ws": self.ws, "wss": self.wss}
        path = "/ws" if transport in ("ws", "wss") else ""
        return f"{transport}://127.0.0.1:{ports[transport]}{path}"

    def words(self, user, password=None, transport="udp"):
        passwords = {"1001": "one", "1002": "two", "1003": "three"}
        return ["--uri", self.uri(user), "--password", password or passwords[user], "--server", self.where(transport),
                "--ca-list-file", self.authority.path]

    def run(self, user, *words, **kw):
        return run_agent(*self.words(user), *words, **kw)

    def start(self, user, *words, transport="udp", json_lines=True):
        agent = Agent(f"{self.dir}/agent{len(self.made)}", *self.words(user, transport=transport), *words, json_lines=json_lines)
        self.made.append(agent)
        return agent


@pytest.fixture
def net(make_server, place):
    net = Net(make_server, place)
    yield net
    for agent in net.made:
        agent.end()


def outcome(events):
    return next(e for e in reversed(events) if e["event"] == "outcome")


def heard(path):
    """The left channel: what the other side said."""
    with wave.open(path) as w:
        assert w.getnchannels() == 2
        return array.array("h", w.readframes(w.getnframes()))[0::2], w.getframerate()


def share_heard(path, hertz):
    """The upper quartile of pieces of 100 ms: on a busy machine packets come late, and make jumps and holes."""
    samples, rate = heard(path)
    if rate != tone.RATE:
        samples = samples[::rate // tone.RATE]
    size = tone.RATE // 10
    assert len(samples) > 6 * size, len(samples)
    return statistics.quantiles((tone.share(samples[i:i + size], hertz) for i in range(0, len(samples) - size, size)), n=4)[2]


# -- registration ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls", "ws", "wss"])
def test_registers(net, transport):
    agent = net.start("1001", "--register", "--seconds", "60", transport=transport)
    event = agent.wait("registered")
    assert event["status"] == 200
    assert len(net.server.contacts("1001")) == 1
    assert agent.end() == 130
    assert net.server.contacts("1001") == []
    # It can be called by that way, too.
    answering = net.start("1001", "--answer", "--tone", "700", transport=transport)
    answering.wait("registered")
    path = f"{net.dir}/heard.wav"
    net.server.ask("pjsip set logger on")
    code, events, errors = net.run("1002", "--call", "1001", "--record", path, "--seconds", "1.5")
    assert (code, outcome(events)["outcome"]) == (0, "answered"), (events, errors)
    assert share_heard(path, 700) > 0.9
    # Every description says the address that leads to the server, though this machine may have others.
    lines = set(re.findall(r"c=IN IP4 \S+", net.server.log()))
    assert lines == {"c=IN IP4 127.0.0.1"}, lines
    assert answering.end(how=None) == 0


def test_wrong_password(net):
    code, events, _ = run_agent(*net.words("1001", "wrong"), "--register")
    assert code == 10
    assert outcome(events)["status"] in (401, 403)
    assert net.server.contacts("1001") == []


def test_password_from_the_environment(net):
    code, _, _ = run_agent("--uri", net.uri("1001"), "--register", env={"SIDETONE_UA_PASSWORD": "one"})
    assert code == 0


def test_a_file_of_options(net):
    path = f"{net.dir}/phone.conf"
    with open(path, "w", encoding="ascii") as f:
        f.write(f"# my phone\nuri = {net.uri('1001')}\npassword = one\nregisterExpires = 77\ntrace\n")
    code, events, errors = run_agent("--file", path, "--register")
    assert code == 0, errors
    sent = [e["text"] for e in events if e["event"] == "sent"]
    assert any("77" in text for text in sent), sent


def test_a_certificate_nobody_signed(net):
    words = net.words("1001", transport="wss")[:-2]
    code, events, _ = run_agent(*words, "--register")
    assert code == 12
    assert "certificate" in outcome(events)["cause"]
    code, _, _ = run_agent(*words, "--register", "--no-verify")
    assert code == 0


def test_log_and_trace_of_the_agent(net):
    where = f"tcp:127.0.0.1:{free_port()}"
    words = ["--server", where, "--uri", "sip:a@127.0.0.1", "--register"]
    assert "no server answers" in run_agent(*words)[2]
    assert run_agent(*words, "--log", '{"builtinEnabled": false}')[2] == ""
    code, events, _ = net.run("1001", "--register", "--traceSip")
    assert code == 0 and any(e["event"] == "sent" and e["text"].startswith("REGISTER ") for e in events)


def test_no_server_there():
    code, events, _ = run_agent("--server", f"tcp:127.0.0.1:{free_port()}", "--uri", "sip:a@127.0.0.1", "--register")
    assert code == 12
    assert outcome(events)["cause"] == "Connection refused"


def test_the_second_server_is_tried(net):
    servers = f'[{{"ws_uri": "udp://127.0.0.1:{free_port()}", "weight": 9}}, "{net.where("ws")}"]'
    code, events, errors = run_agent("--uri", net.uri("1001"), "--password", "one", "--wsServers", servers, "--register")
    assert code == 0, (events, errors)


@pytest.mark.parametrize("transport", ["udp", "tcp", "wss"])
def test_the_server_comes_back(net, transport):
    agent = net.start("1001", "--register", "--seconds", "300", "--keepAliveInterval", "1", "--wsServerReconnectionTimeout", "1",
                      "--connectionRecoveryMinInterval", "1", "--connectionRecoveryMaxInterval", "1", transport=transport)
    agent.wait("registered")
    net.server.kill()
    agent.wait("disconnected")
    agent.wait("connecting")
    net.server.start()
    agent.wait("connected", seconds=30)
    agent.wait("registered")
    assert len(net.server.contacts("1001")) >= 1
    assert agent.end() == 130


def test_usage():
    for words in (["--nothing"], ["--registerExpires", "soon"], ["--call"], ["600"], ["--message", "hi"],
                  ["--ca-list-file", "/no/such", "--uri", "sip:a@b", "--register"], ["--call", "600"]):
        code, events, errors = run_agent(*words)
        assert (code, events) == (2, []), words
        assert errors.startswith("sidetone-ua: ") and errors.count("\n") == 1, errors


# -- requests ----------------------------------------------------------------------------------------------------------


def test_options(net):
    code, events, _ = net.run("1001", "--options", "--to", "600")
    assert code == 0
    assert outcome(events)["outcome"] == "accepted"


def test_message_arrives(net):
    agent = net.start("1002")
    agent.wait("registered")
    text = "Grüße, \"Bob\"\nsecond line"
    code, events, errors = run_agent("--uri", net.uri("1001"), "--server", net.where("udp"), "--password", "one",
                                     "--message", text, "--to", "1002", "--header", "X-Test: yes")
    event = agent.wait("message") if code == 0 else None
    assert event is not None, (events, errors)
    assert event["body"] == text
    assert "sip:1001@" in event["from"]


def test_subscribe(net):
    code, events, errors = net.run("1001", "--subscribe", "dialog", "--to", "1002")
    assert code == 0, (events, errors)
    notify = next(e for e in events if e["event"] == "notify")
    assert notify["notifyEvent"].startswith("dialog") and "dialog-info" in notify["body"]
    code, events, _ = net.run("1001", "--subscribe", "nonsense", "--to", "1002", "--expect", "489")
    assert code == 0, events


# -- calls -------------------------------------------------------------------------------------------------------------


def test_echo(net):
    path = f"{net.dir}/echo.wav"
    code, events, errors = net.run("1001", "--call", f"sip:600@{net.server.address}", "--tone", "440", "--record", path,
                                   "--seconds", "2")
    assert code == 0, errors
    last = outcome(events)
    assert last["outcome"] == "answered" and 1.8 < last["seconds"] < 4
    assert share_heard(path, 440) > 0.9


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
def test_play_a_file(net, codec):
    source, path = f"{net.dir}/source.wav", f"{net.dir}/echo.wav"
    tone.write_tone(source, 600, 2)
    code, events, errors = net.run("1001", "--call", "600", "--play", source, "--record", path, "--codecs", codec)
    assert code == 0, errors
    assert {e.get("codec") for e in events if e.get("media") == "agreed"} == {codec}
    # It hangs up when the file has ended.
    assert 1.8 < outcome(events)["seconds"] < 5
    assert share_heard(path, 600) > 0.9


def test_digits(net):
    code, events, errors = net.run("1001", "--call", "601", "--dtmf", "1,9#", "--seconds", "8")
    assert code == 0, (events, errors)
    net.server.wait_log("digits <19>")


def test_outcomes(net):
    for words, code, word in ((["--call", "999"], 7, "not-found"), (["--call", "1003"], None, None), (["--call", "486"], 3, "busy")):
        got, events, _ = net.run("1001", *words)
        assert word in (None, outcome(events)["outcome"]), events
        assert code in (None, got) and got != 0, events
    assert net.run("1001", "--call", "486", "--expect", "busy")[0] == 0
    assert net.run("1001", "--call", "486", "--expect", "486")[0] == 0
    assert net.run("1001", "--call", "486", "--expect", "answered")[0] == 20


def test_busy_and_declined(net):
    for status, word, code in ((486, "busy", 3), (603, "declined", 4)):
        agent = net.start("1002", "--answer", "--reject", str(status))
        agent.wait("registered")
        got, events, _ = net.run("1001", "--call", "1002", "--timeout", "10")
        agent.end()
        # The server says for both what Dial() made of it.
        assert got in (code, 3), events
        assert outcome(agent.events())["outcome"] == word


def test_nobody_answers(net):
    agent = net.start("1002", "--answer", "--ring", "60")
    agent.wait("registered")
    code, events, _ = net.run("1001", "--call", "1002", "--timeout", "1")
    assert (code, outcome(events)["outcome"]) == (5, "no-answer"), events
    assert any(e["event"] == "progress" and e["status"] == 180 for e in events)
    agent.wait("cancel")
    assert agent.end(how=None) == 11


def test_interrupted_in_a_call(net):
    agent = net.start("1001", "--call", "600")
    agent.wait("accepted")
    wait_until(lambda: "PJSIP/1001" in net.server.ask("core show channels"), "the server has the call")
    assert agent.end() == 130
    wait_until(lambda: "PJSIP/1001" not in net.server.ask("core show channels"), "the call is over")


def test_answers_every_call(net):
    agent = net.start("1002", "--answer", "--auto", "--tone", "500")
    agent.wait("registered")
    for _ in range(2):
        code, events, errors = net.run("1001", "--call", "1002", "--seconds", "0.3")
        assert code == 0, (events, errors)
    assert agent.process.poll() is None
    assert len([e for e in agent.events() if e["event"] == "invite"]) == 2


def test_hold(net):
    agent = net.start("1002", "--answer")
    agent.wait("registered")
    code, events, errors = net.run("1001", "--call", "1002", "--hold", "--seconds", "2")
    assert code == 0, (events, errors)
    held = [e["held"] for e in events if e.get("media") == "agreed"]
    assert held == [False, True, False], events


def test_blind_transfer(net):
    agent = net.start("1002", "--answer", "--tone", "500")
    agent.wait("registered")
    code, events, errors = net.run("1001", "--call", "1002", "--transfer", "600")
    assert code == 0, (events, errors)
    assert any(e["event"] == "referProgress" and e["status"] == 200 for e in events), events


def test_encryption(net):
    for how, option in (("sdes", "media_encryption = sdes"), ("dtls", "media_encryption = dtls\ndtls_auto_generate_cert = yes")):
        net.server.write("pjsip.conf", net.server.files["pjsip.conf"].replace("rtp_symmetric = yes", "rtp_symmetric = yes\n" + option))
        net.server.ask("core reload")
        path = f"{net.dir}/{how}.wav"

        def call():
            return net.run("1001", "--call", "600", "--tone", "440", "--encryption", how, "--record", path, "--seconds", "3")
        code, events, errors = wait_until(lambda: (lambda r: r if r[0] == 0 else None)(call()), f"a call with {how}", 30)
        assert any(e.get("encryption") == how for e in events), (events, errors, code)
        assert share_heard(path, 440) > 0.9


# -- baresip -----------------------------------------------------------------------------------------------------------


def test_calls_baresip(net, make_phone):
    need("baresip")
    phone = make_phone(net.server, "1002", "two", hertz=400)
    assert phone.register_outcome() == "200 OK"
    path = f"{net.dir}/heard.wav"
    agent = net.start("1001", "--call", "1002", "--tone", "700", "--record", path)
    phone.wait_event("CALL_INCOMING")
    phone.accept()
    agent.wait("accepted")
    phone.wait_hears(700, window=1.5)
    phone.hang_up()
    assert agent.end(how=None) == 0
    assert share_heard(path, 400) > 0.9


def test_baresip_calls(net, make_phone):
    need("baresip")
    path = f"{net.dir}/heard.wav"
    agent = net.start("1001", "--answer", "--tone", "700", "--record", path)
    agent.wait("registered")
    phone = make_phone(net.server, "1002", "two", hertz=400)
    assert phone.register_outcome() == "200 OK"
    phone.dial(f"sip:1001@{net.server.address}")
    phone.wait_event("CALL_ESTABLISHED")
    phone.wait_hears(700, window=1.5)
    phone.hang_up()
    assert agent.end(how=None) == 0
    assert share_heard(path, 400) > 0.9


# -- a person at the terminal ------------------------------------------------------------------------------------------


def test_commands(net):
    agent = net.start("1001", "--tone", "440")
    agent.wait("registered")
    agent.type("call 600")
    agent.wait("accepted", call=1)
    agent.wait("media", media="flows")
    agent.type("ho")                # the beginning of hold
    agent.wait("media", media="agreed", held=True)
    agent.type("resume")
    agent.wait("media", media="agreed", held=False)
    agent.type("call 600")
    agent.wait("accepted", call=2)
    agent.type("calls")
    agent.type("hangup 1")
    agent.wait("terminated", call=1)
    agent.type("message 1001 hello there")
    agent.wait("message", body="hello there")
    agent.type("nonsense")
    agent.type("quit")
    agent.wait("terminated", call=2)
    assert agent.end(how=None) == 0
    assert net.server.contacts("1001") == []


def test_start_and_stop(net):
    agent = net.start("1001", "--autostart=false")
    agent.type("calls")
    agent.wait("text", text="no call")
    assert agent.events()[0]["event"] == "text"         # it has not connected by itself
    for _ in range(2):
        agent.type("start")
        agent.wait("registered")
        agent.type("stop")
        agent.wait("unregistered")
        agent.wait("disconnected")
        assert net.server.contacts("1001") == []


def test_lines_for_people(net):
    agent = net.start("1001", "--trace", "--colour", "never", json_lines=False)
    wait_until(lambda: "registered: 200 OK" in agent.text(), lambda: agent.text() + agent.errors())
    text = agent.text()
    assert "REGISTER sip:127.0.0.1" in text and "200 OK" in text and "\033" not in text
    agent.type("help")
    wait_until(lambda: "transfer" in agent.text(), "help")
    agent.type("c")
    wait_until(lambda: "several commands begin so" in agent.text(), "an answer to c")
    agent.type("hangup")
    wait_until(lambda: "there is no such call" in agent.text(), "an answer to hangup")
    agent.process.stdin.close()     # the end of the input is the end
    assert agent.process.wait(20) == 0


def test_attended_transfer(net):
    first = net.start("1002", "--answer", "--tone", "500")
    second = net.start("1003", "--answer", "--tone", "900", "--record", f"{net.dir}/second.wav")
    first.wait("registered")
    second.wait("registered")
    agent = net.start("1001")
    agent.wait("registered")
    agent.type("call 1002")
    agent.wait("accepted", call=1)
    agent.type("hold")
    agent.wait("media", media="agreed", held=True)
    agent.type("call 1003")
    agent.wait("accepted", call=2)
    agent.type("transfer 1")
    agent.wait("referProgress", status=200)
    agent.wait("terminated")
    agent.type("quit")
    agent.end(how=None)
    wait_until(lambda: os.path.exists(f"{net.dir}/second.wav"), "a recording")


def test_help_and_completion():
    text = subprocess.run([agent_program(), "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    assert "--registerExpires VALUE" in text and "busy" in text
    with open(f"{TOP}/docs/sidetone-ua.1", encoding="utf-8") as f:
        manual = f.read().replace("\\-", "-")
    for name in re.findall(r"^  (--[\w-]+)", text, re.M):
        assert re.search(rf"^\.BI? {name}\b", manual, re.M), f"{name} is not in the manual"
    script = subprocess.run([agent_program(), "--completion"], stdout=subprocess.PIPE, check=True).stdout.decode()
    done = subprocess.run(["bash", "-c", script + "\nCOMP_WORDS=(sidetone-ua --regi); COMP_CWORD=1; _sidetone_ua; echo ${COMPREPLY[@]}"],
                          stdout=subprocess.PIPE, check=True).stdout.decode()
    assert done.split() == ["--register", "--registerExpires", "--registrarServer"] or "--registerExpires" in done.split()


# -- the library -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["example", "example-static"])
def test_the_library_alone(net, name):
    """library/example.c: two agents on one core, on a loop of the program's own."""
    done = subprocess.run([find(f"library/{name}", "EXAMPLE"), net.where("tcp"), net.uri("1001"), "one", net.uri("1002"), "two"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False, env=environment())
    text = done.stdout.decode()
    assert (done.returncode, text) == (0, "over\nover\nboth heard something\n"), text


# -- a real terminal ---------------------------------------------------------------------------------------------------


class Terminal:
    """sidetone-ua on a pseudo-terminal."""

    def __init__(self, *words):
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        env = {**environment(), "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        env.pop("NO_COLOR", None)
        self.process = subprocess.Popen([agent_program(), *words], stdin=slave, stdout=slave, stderr=slave, env=env,
                                        start_new_session=True)
        os.set_blocking(self.master, False)
        self.text = ""

    def shows(self, what, seconds=15.0):
        """Wait until it has shown WHAT since it was asked last."""
        def look():
            try:
                self.text += os.read(self.master, 65536).decode(errors="replace")
            except BlockingIOError:
                pass
            if what not in self.text:
                return False
            self.text = self.text.partition(what)[2]
            return True
        wait_until(look, lambda: f"{what!r} in {self.text!r}", seconds)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        code = self.process.wait(20)
        after = termios.tcgetattr(self.slave)
        os.close(self.master)
        os.close(self.slave)
        assert after == self.before, "the terminal is as it was"
        return code


def test_terminal(net):
    terminal = Terminal(*net.words("1001"), "--trace", "--tone", "440")
    terminal.shows("registered: 200 OK")
    terminal.shows("sidetone-ua> ")
    terminal.type("opt\t600")               # completed
    terminal.shows("options 600")
    terminal.type("\r")
    terminal.shows("\033[1;36m")            # a request in colour
    terminal.shows("accepted: 200 OK")
    terminal.type("\033[A")                 # the line of before
    terminal.shows("options 600")
    terminal.type("\x15call 600\r")
    terminal.shows("call 1 of 1> ")
    terminal.shows("accepted: 200 OK")
    terminal.type("nonsense\r")
    terminal.shows("no such command")
    terminal.type("\x03")
    terminal.shows("hung up")
    assert terminal.end() == 0
    assert net.server.contacts("1001") == []
