# See tests/README.md.
test:
	$(Q)tests/run.py
