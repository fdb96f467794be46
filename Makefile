# `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help run test test-services check

PYTHON_BIN := .venv/bin
RUN_STAMP := .venv/.synced-run
ALL_STAMP := .venv/.synced
LOCK := pyproject.toml uv.lock config/setup.sh

# Each of a site's processes, and each that a test starts, would compile the code anew.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# What the site runs on, and, with more packages, what it is tested with.
$(RUN_STAMP): $(LOCK)
	@config/setup.sh --no-dev --inexact
	@touch $@
$(ALL_STAMP): $(LOCK)
	@config/setup.sh
	@touch $@ $(RUN_STAMP)

run: $(RUN_STAMP) ## set everything up and run the site until Ctrl-C (PORT, DATA_DIR: docs/operations.md)
	@exec $(PYTHON_BIN)/python manage.py up

# --- tests ------------------------------------------------------------------------------------------------------------
test: $(ALL_STAMP) ## every test, on the embedded database and broker
	@env -u DATABASE_URL -u REDIS_URL $(PYTHON_BIN)/pytest -q -n auto

# What would be the same on any database is left to `make test`: how the code is written, who may do what, how pages
# look and work in a browser but for a reader's way through all of it, and how the launcher starts what is embedded.
SAME_ANYWHERE := architecture lib admin/test_roles.py \
	$(addprefix faults/test_,old_messages.py template_error.py) \
	$(addprefix journeys/test_,alert.py desk_for_everybody.py desk_of_readers.py editor.py issue_desk.py launcher.py measuring.py \
		other_sites.py own_data.py pages.py proof_of_work.py right_to_left.py writing.py) \
	$(addprefix threats/test_,12_desk_and_mail.py 12_stored_xss.py 15_xml_entities.py 16_bombs.py 17_parser.py 21_pictures.py)
# Both must be named: the tests make and drop databases on the one and empty databases of the other.
test-services: $(ALL_STAMP) ## the tests of what a database does, on the PostgreSQL and Redis that DATABASE_URL and REDIS_URL name
	@: "$${DATABASE_URL:?is not set}" "$${REDIS_URL:?is not set}"
	@$(PYTHON_BIN)/pytest -q -n auto $(addprefix --ignore=tests/,$(SAME_ANYWHERE))

# `make test` reads some two hundred broken feeds; this reads hostile ones, and broken ones for so many minutes.
MINUTES := 5
SEED := 1
.PHONY: fuzz-feeds
fuzz-feeds: $(ALL_STAMP) ## read thousands of broken and hostile feeds (MINUTES=5, SEED=1)
	@DJANGO_SETTINGS_MODULE=config.settings $(PYTHON_BIN)/python -m tests.articles.broken_feeds --minutes $(MINUTES) --seed $(SEED)

# The faults are tested with few readers by the above; this is the table of docs/reliability.md. Needs root for one case.
READERS := 20000
CASES :=
RESUME :=
.PHONY: reliability
reliability: $(ALL_STAMP) ## whatever can break in the middle of a campaign, on SQLite and PostgreSQL (READERS=20000, CASES=kill,TLS, RESUME=1)
	@env -u DATABASE_URL -u REDIS_URL $(PYTHON_BIN)/python -m tests.faults.table --readers $(READERS) --cases "$(CASES)" $(if $(RESUME),--resume)

# --- checks -----------------------------------------------------------------------------------------------------------
# With an environment like a production machine's; nothing is connected to.
PRODUCTION := SITE_URL=https://news.example.org SECRET_KEY=only-for-the-check-and-long-enough-for-it-0123456789-ABCDEF \
	DATABASE_URL=postgres://broadsheet@db/broadsheet REDIS_URL=redis://redis:6379/0 MAILER_URL=smtp://mail:25
OUTPUT_SYNC := $(if $(filter output-sync,$(.FEATURES)),-Otarget)
CHECKS := check-types check-django check-deploy check-imports check-migrations check-lint check-format
.PHONY: $(CHECKS)

check: $(ALL_STAMP) ## linters, types, import rules, migrations, templates
	@$(MAKE) --no-print-directory -k -j4 $(OUTPUT_SYNC) $(CHECKS)
	@echo "All checks passed."

# What a check prints is of interest only if it fails.
on_failure = out=$$($(1) 2>&1) || { printf '%s\n' "$$out"; exit 1; }
check-lint:
	@$(call on_failure,$(PYTHON_BIN)/ruff check)
check-format:
	@$(call on_failure,$(PYTHON_BIN)/ruff format --check)
check-types:
	@$(call on_failure,$(PYTHON_BIN)/mypy)
check-imports:
	@$(call on_failure,$(PYTHON_BIN)/lint-imports)
check-django:
	@$(call on_failure,$(PYTHON_BIN)/python -W error manage.py check --fail-level WARNING)
check-deploy: # compiles every template as well
	@$(call on_failure,$(PRODUCTION) $(PYTHON_BIN)/python -W error manage.py check --deploy --fail-level WARNING)
check-migrations:
	@$(call on_failure,DATABASE_URL=sqlite:///:memory: $(PYTHON_BIN)/python manage.py makemigrations --check --dry-run)

.PHONY: check-spam
check-spam: $(ALL_STAMP) ## what SpamAssassin and rspamd, if they are installed, say to a digest of every layout
	@$(PYTHON_BIN)/python -m tests.spam

# --- benchmarks: they measure and print; docs/benchmarks.md has the figures -----------------------------------------------
.PHONY: bench-mailing
bench-mailing: $(ALL_STAMP) ## readers mailed per second and peak memory, beside a plain baseline
	@$(PYTHON_BIN)/python -m tests.benchmarks.mailing
.PHONY: bench-providers
bench-providers: $(ALL_STAMP) ## readers mailed per second through a provider's API, in batches and one by one
	@$(PYTHON_BIN)/python -m tests.benchmarks.providers
.PHONY: bench-limits
bench-limits: $(ALL_STAMP) ## the fewest and the most mails in any ten seconds under a speed limit; uses DATABASE_URL and REDIS_URL
	@$(PYTHON_BIN)/python -m tests.benchmarks.limits
.PHONY: bench-sending
bench-sending: $(ALL_STAMP) ## mails made and handed over per second, no ledger, beside smtplib and Django; smtp-sink and Postfix if installed
	@$(PYTHON_BIN)/python -m tests.benchmarks.sending
.PHONY: bench-importing
bench-importing: $(ALL_STAMP) ## subscribers imported per second and peak memory, beside saving row by row (ROWS=1000000)
	@$(PYTHON_BIN)/python -m tests.benchmarks.importing $(if $(ROWS),--rows $(ROWS))
.PHONY: bench-feeds
bench-feeds: $(ALL_STAMP) ## feeds polled per minute and articles imported per second, beside a plain baseline
	@$(PYTHON_BIN)/python -m tests.benchmarks.feeds
.PHONY: bench-readers
bench-readers: $(ALL_STAMP) ## the desk's lists at a million readers: times and query plans; needs DATABASE_URL
	@$(PYTHON_BIN)/python -m tests.benchmarks.readers_lists
.PHONY: bench-digest-pages
bench-digest-pages: $(ALL_STAMP) ## the desk's pages and actions of digests and deliveries at a million readers; needs DATABASE_URL
	@$(PYTHON_BIN)/python -m tests.benchmarks.digest_pages
.PHONY: bench-rendering
bench-rendering: $(ALL_STAMP) ## template renders, time an edition and a reader, and bytes of a 10-story digest in each layout
	@$(PYTHON_BIN)/python -m tests.benchmarks.rendering
.PHONY: bench-selecting
bench-selecting: $(ALL_STAMP) ## selection, assembly and ledger of one issue at 10,000 readers and more
	@$(PYTHON_BIN)/python -m tests.benchmarks.selecting
.PHONY: bench-answering
bench-answering: $(ALL_STAMP) ## whether the time of an answer tells what an address is to us
	@$(PYTHON_BIN)/python -m tests.benchmarks.answering
.PHONY: bench-sanitizing
bench-sanitizing: $(ALL_STAMP) ## what cleaning an article costs, beside lxml's cleaner and no cleaning
	@$(PYTHON_BIN)/python -m tests.benchmarks.sanitizing
.PHONY: bench-site
bench-site: $(ALL_STAMP) ## front page and article under load at a million articles, beside plain Django; needs wrk
	@$(PYTHON_BIN)/python -m tests.benchmarks.site
.PHONY: lighthouse
lighthouse: ## Lighthouse on a running site (URL=http://localhost:8000), phone and desk: 100 everywhere or it fails
	@tests/benchmarks/lighthouse.sh $(URL)

.PHONY: catalogs
catalogs: $(ALL_STAMP) ## what readers meet into config/locale, compiled; says what is not translated yet (LANGUAGES=it adds one)
	@env -u DATABASE_URL DJANGO_SETTINGS_MODULE=config.settings $(PYTHON_BIN)/python -m tests.catalogs $(LANGUAGES)

.PHONY: pictures
pictures: $(ALL_STAMP) ## every picture of the docs and the README anew, from the demo site; needs Chromium
	@env -u DATABASE_URL -u REDIS_URL $(PYTHON_BIN)/python -m tests.pictures
