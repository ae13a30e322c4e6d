# Sidetone. Meson and ninja do the work; this file is the front door.
#
#   make            release build: build/sidetone, and build/asterisk, a link to it
#   make web        the user agent for a page: build/web/sidetone-ua.js and .mjs, from C by way of
#                   WebAssembly, and from web/; and the phone on a page, build/web/phone
#   make run        install what is missing, build, start with etc/ (BIND=ADDR, default 127.0.0.1);
#                   PAGE=no leaves the phone on a page as it is
#   make test       install what is missing, debug build with ASan and UBSan, every test
#   make test-oom   each test again and again, with one allocation failing: docs/testing.md
#   make test-tsan  what has threads, under ThreadSanitizer
#   make coverage   lines of each file that the unit and loop tests reach; fails when a file of
#                   src/sip, sdp, ua, service or media has less than 80 %
#   make bench      the comparison table (BENCH=quick for the short form,
#                   PEERS="--root DIR --asterisk PATH --kamailio PATH" names peers)
#   make soak       the program under random work, kill -9 and reloads; SECONDS=60 or HOURS=,
#                   BUILD=asan, release or tsan, PARTS=all,walk,pages,expiry,kills,flood,managers, SEED=,
#                   KILLS=: docs/testing.md
#   make attack     strangers against the release build, with phones beside them; PART= one of
#                   handshakes, websockets, frames, hellos, media, stun; ATTACK= more options
#                   of tests/attack/attack.py: docs/threat-model.md has what must hold
#   make differential  scenarios against packaged Asterisk and the release build side by side, and what
#                   differs: PEERS="--root DIR" names the tree with Asterisk; ONLY=PATTERN some of them;
#                   RECORD=yes writes what is alike to tests/differential/expected: docs/testing.md
#   make install    PREFIX (/usr/local), DESTDIR
#   make format     clang-format over the lines of C that changed since the last commit,
#                   or since SINCE=COMMIT
#   make clean      remove the build directories
#
# CONTRIBUTING.md has one test alone, reports, fuzzing, measuring and debugging.

PREFIX ?= /usr/local
DESTDIR ?=
BIND ?= 127.0.0.1
PAGE ?= yes
BENCH ?= full
PEERS ?=
SECONDS ?= 60
HOURS ?= 0
BUILD ?= asan
PARTS ?= all
SEED ?=
KILLS ?= -1
SOAK ?=
PART ?=
ATTACK ?=
ONLY ?=
RECORD ?=
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)

# ccache where there is one; meson keeps the compiler it was set up with.
CCACHE := $(shell command -v ccache 2>/dev/null)
ifeq ($(origin CC),default)
CC := $(if $(CCACHE),ccache gcc,gcc)
endif
export CC

# lld links sixty test programs in seconds, where there is one.
LD_FAST := $(if $(shell command -v ld.lld 2>/dev/null),CC_LD=lld)

DEBUG = build-debug
TSAN = build-tsan
COVERAGE = build-coverage
WASM = build-wasm
RESULTS = $(DEBUG)/meson-logs/testlog.json $(DEBUG)/e2e.junit.xml $(DEBUG)/web.junit.xml

.PHONY: all web run test test-oom test-tsan coverage bench soak attack differential install format clean deps-check

all: deps-check build/build.ninja
	@ninja -C build --quiet
	@ln -sfn sidetone build/asterisk

deps-check:
	@tools/install-deps --check build

build/build.ninja:
	@meson setup build --buildtype=release -Dtests=false >build.log 2>&1 || { cat build.log; rm -rf build; exit 1; }
	@mv build.log build/setup.log

$(WASM)/build.ninja:
	@meson setup $(WASM) --cross-file web/wasm32.ini --buildtype=plain >build.log 2>&1 || { cat build.log; rm -rf $(WASM); exit 1; }
	@mv build.log $(WASM)/setup.log

web:
	@tools/install-deps web
	@tools/install-web
	@$(MAKE) --no-print-directory $(WASM)/build.ninja
	@ninja -C $(WASM) --quiet
	@node web/build.js $(WASM)/web/sidetone-ua.wasm build/web/sidetone-ua.js build/web/sidetone-ua.mjs
	@rm -rf build/web/phone.new && mkdir -p build/web/phone.new
	@cp web/phone/*.html web/phone/*.css web/phone/*.js build/web/sidetone-ua.js build/web/phone.new/
	@rm -rf build/web/phone && mv build/web/phone.new build/web/phone

run:
	@tools/install-deps build
	@$(MAKE) --no-print-directory all
ifneq ($(PAGE),no)
	@[ -d build/web/phone ] || echo 'building the phone on a page: build/web.log'
	@$(MAKE) --no-print-directory web >build/web.log 2>&1 || true
endif
	@BIND='$(BIND)' exec tools/run

$(DEBUG)/build.ninja:
	@$(LD_FAST) meson setup $(DEBUG) --buildtype=debug -Db_sanitize=address,undefined -Db_lundef=false

$(TSAN)/build.ninja:
	@$(LD_FAST) meson setup $(TSAN) --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false

# One allocation fails, whichever: docs/testing.md.
test-oom:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory $(DEBUG)/build.ninja
	@ninja -C $(DEBUG) --quiet
	@meson test -C $(DEBUG) --no-rebuild --suite oom --print-errorlogs

# Everything that has threads, and the program itself, under ThreadSanitizer.
test-tsan: export TSAN_OPTIONS = exitcode=66:suppressions=$(CURDIR)/tests/tsan.supp
test-tsan:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory $(TSAN)/build.ninja
	@ninja -C $(TSAN) --quiet sidetone
	@meson test -C $(TSAN) --suite loop --timeout-multiplier 4 --print-errorlogs
	@meson test -C $(TSAN) --timeout-multiplier 4 --print-errorlogs ring loop media wire_steps tap mixer mixer_tap net store dns fiber
	BUILD=$(CURDIR)/$(TSAN) $(PYTHON) -m pytest -q tests/e2e/test_run.py tests/e2e/test_reload.py tests/e2e/test_stop.py

# gcc's own counters: gcov reads no others. Without sanitizers, whose code would count too.
$(COVERAGE)/build.ninja:
	@CC="$(if $(CCACHE),ccache )gcc" $(LD_FAST) meson setup $(COVERAGE) --buildtype=debug -Db_coverage=true -Db_lundef=false

coverage:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory $(COVERAGE)/build.ninja
	@ninja -C $(COVERAGE) --quiet
	@find $(COVERAGE) -name '*.gcda' -delete
	@meson test -C $(COVERAGE) --no-rebuild --suite unit --suite loop --timeout-multiplier 4 --print-errorlogs; \
		failed=$$?; $(PYTHON) tools/coverage $(COVERAGE) && exit $$failed

# Each runner leaves a file of results and may fail; tools/test-summary has the verdict.
test:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory $(DEBUG)/build.ninja
	@ninja -C $(DEBUG) --quiet
	@ln -sfn sidetone $(DEBUG)/asterisk
	@rm -f $(RESULTS)
	-meson test -C $(DEBUG) --no-rebuild --print-errorlogs
	@$(MAKE) --no-print-directory web
	@tools/install-browser
	-node --test --test-reporter=./web/test/junit.mjs --test-reporter-destination=$(DEBUG)/web.junit.xml web/test/*.test.js
	-BUILD=$(CURDIR)/$(DEBUG) $(PYTHON) -m pytest tests/e2e --junitxml=$(DEBUG)/e2e.junit.xml
	@$(PYTHON) tools/test-summary $(RESULTS)

bench:
	@tools/install-deps build bench
	@$(MAKE) --no-print-directory all
	@$(PYTHON) bench/bench.py --build build $(if $(filter quick,$(BENCH)),--quick) $(PEERS)

# SOAK: more options of tests/soak/soak.py.
soak:
	@tools/install-deps build test
ifeq ($(BUILD),release)
	@$(MAKE) --no-print-directory all
else ifeq ($(BUILD),tsan)
	@$(MAKE) --no-print-directory $(TSAN)/build.ninja
	@ninja -C $(TSAN) --quiet sidetone tests/soak/flood
else
	@$(MAKE) --no-print-directory $(DEBUG)/build.ninja
	@ninja -C $(DEBUG) --quiet sidetone tests/soak/flood
endif
	@$(PYTHON) tests/soak/soak.py --seconds '$(SECONDS)' --hours '$(HOURS)' --build '$(BUILD)' --parts '$(PARTS)' \
		--seed '$(SEED)' --kills '$(KILLS)' $(SOAK)

attack:
	@tools/install-deps build test
	@$(MAKE) --no-print-directory all
	@ninja -C build --quiet tests/attack/spray
	@$(PYTHON) tests/attack/attack.py --program build/sidetone $(if $(PART),--parts '$(PART)') $(ATTACK)

differential:
	@tools/install-deps build
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/differential/run.py $(PEERS) --program build/sidetone --only '$(ONLY)' $(if $(RECORD),--record)

# The programs, their manuals, the library, the sample configuration and its sounds, and the phone on
# a page when `make web` has built it. A link named
# asterisk is left to you: it would hide an Asterisk that is installed.
share = $(DESTDIR)$(PREFIX)/share
install: all
	install -d '$(DESTDIR)$(PREFIX)/sbin' '$(share)/sidetone/etc/sounds/en' '$(share)/doc/sidetone' '$(share)/man/man8'
	install -m 755 build/sidetone '$(DESTDIR)$(PREFIX)/sbin/sidetone'
	install -m 644 etc/*.conf '$(share)/sidetone/etc/'
	install -m 644 etc/sounds/en/* '$(share)/sidetone/etc/sounds/en/'
	install -m 644 docs/*.md LICENSE README.md '$(share)/doc/sidetone/'
	install -m 644 docs/sidetone.8 '$(share)/man/man8/'
	if [ -d build/web/phone ]; then install -d '$(share)/sidetone/phone' && install -m 644 build/web/phone/* '$(share)/sidetone/phone/'; fi
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(share)/man/man1' '$(share)/bash-completion/completions'
	install -m 755 build/sidetone-ua '$(DESTDIR)$(PREFIX)/bin/sidetone-ua'
	install -m 644 docs/sidetone-ua.1 '$(share)/man/man1/'
	build/sidetone-ua --completion >'$(share)/bash-completion/completions/sidetone-ua'
	install -d '$(DESTDIR)$(PREFIX)/lib/pkgconfig' '$(DESTDIR)$(PREFIX)/include'
	install -m 755 build/library/libsidetone-ua.so.0.1.0 '$(DESTDIR)$(PREFIX)/lib/'
	ln -sfn libsidetone-ua.so.0.1.0 '$(DESTDIR)$(PREFIX)/lib/libsidetone-ua.so.0'
	ln -sfn libsidetone-ua.so.0 '$(DESTDIR)$(PREFIX)/lib/libsidetone-ua.so'
	install -m 644 build/library/libsidetone-ua.a '$(DESTDIR)$(PREFIX)/lib/'
	install -m 644 include/sidetone-ua*.h '$(DESTDIR)$(PREFIX)/include/'
	sed 's|@PREFIX@|$(PREFIX)|' build/library/sidetone-ua.pc >'$(DESTDIR)$(PREFIX)/lib/pkgconfig/sidetone-ua.pc'

format:
	@tools/install-deps lint
	@git clang-format --force --extensions c,h $(SINCE)

clean:
	rm -rf build build-debug build-tsan build-clang build-fuzz build-coverage build-wasm
