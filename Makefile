# The same as python start.py, for those who type make. Another Python: make lab PYTHON=python3.12
PYTHON ?= python3

help:
	@$(PYTHON) start.py help

lab play test install:
	@$(PYTHON) start.py $@ $(ARGS)

.PHONY: help lab play test install
