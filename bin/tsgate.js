#!/usr/bin/env sh
":" //; exec node -- "$0" "$@"
// The shell runs the line above, Node skips it: without the `--`, Node would take options of ours for its own.
import "../dist/cli.cjs";
